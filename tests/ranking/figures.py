"""The figures that were recorded, and the table of them in docs/rag_guide.md."""

import json
from pathlib import Path
from typing import Any

from lightspeed_core.evaluation.bootstrap import Estimate
from lightspeed_core.evaluation.report import shown
from tests.support.frozen_set import FOLDER, HALVES

RECORDED = FOLDER / "figures.json"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "rag_guide.md"
BEGIN = "<!-- ranking: written by `make ranking` -->\n"
END = "<!-- ranking: end -->\n"


def read_figures() -> dict[str, Any]:
    """Read what was recorded: half -> mode -> figure, and the answers."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def with_table(page: str, figures: dict[str, Any]) -> str:
    """Return the page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{render(figures)}{END}{after}"


def render(figures: dict[str, Any]) -> str:
    """Write the table in percent, with 95 % intervals."""
    names = list(figures["modes"][HALVES[0]]["hybrid"])
    lines = ["", _row("Questions", "Search", *names), _row(*["---"] * (len(names) + 2))]
    for half, modes in figures["modes"].items():
        for mode, found in modes.items():
            lines.append(_row(half, f"`{mode}`", *(_shown(found[name]) for name in names)))
    lines += ["", _row("Questions", *figures["answers"][HALVES[0]])]
    lines.append(_row(*["---"] * (len(figures["answers"][HALVES[0]]) + 1)))
    for half, answers in figures["answers"].items():
        lines.append(_row(half, *map(_shown, answers.values())))
    return "\n".join([*lines, "", ""])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(figure: dict[str, float] | None) -> str:
    return shown(None if figure is None else Estimate(**figure))
