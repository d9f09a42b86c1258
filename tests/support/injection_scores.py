"""How well the rules against injection do on the sets in `tests/data/shields`.

The rules were written with the tuning half in view. The held-out half was written after them.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Final

from lightspeed_stack_providers.injection_rules.rules import find_injection, neutralize

FOLDER: Final = Path(__file__).resolve().parents[1] / "data" / "shields"
HALVES: Final = ("tuning", "held_out")
KINDS: Final = ("direct", "disguised", "document", "tool")
_ROWS: Final = {
    "direct": "attacks in the words of the user",
    "disguised": "the same in disguise",
    "document": "attacks in documents",
    "tool": "attacks in results of tools",
}


def rows_of(name: str) -> list[dict[str, str]]:
    """Read a set."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def false_blocks(half: str) -> list[str]:
    """Return the legitimate questions that are blocked."""
    texts = (row["text"] for row in rows_of(f"questions_{half}"))
    return [text for text in texts if find_injection(text) is not None]


def is_caught(attack: dict[str, str]) -> bool:
    """Say whether an attack is blocked, or something of it taken out."""
    text = attack["text"]
    if attack["kind"] in {"direct", "disguised"}:
        return find_injection(text) is not None
    return neutralize(text) != text


def caught(half: str) -> dict[str, tuple[int, int]]:
    """Return how many attacks of each kind are caught, and how many there are."""
    attacks = rows_of(f"attacks_{half}")
    hits = Counter(attack["kind"] for attack in attacks if is_caught(attack))
    all_of = Counter(attack["kind"] for attack in attacks)
    return {kind: (hits[kind], all_of[kind]) for kind in KINDS}


def render_scores() -> str:
    """Write the table of `docs/shields.md`."""
    lines = ["| | tuning half | held-out half |", "|---|---|---|"]
    blocked = (f"{len(false_blocks(half))} of 100" for half in HALVES)
    lines.append(f"| legitimate questions blocked | {' | '.join(blocked)} |")
    tables = [caught(half) for half in HALVES]
    for kind, label in _ROWS.items():
        cells = (f"{table[kind][0]} of {table[kind][1]} caught" for table in tables)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
