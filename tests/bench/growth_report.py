"""Writes the part of docs/performance.md on full databases and long conversations."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from tests.bench.growth import ALONE, AMONG, LENGTHS, OWNED, TURNS, USERS, Growth
from tests.bench.samples import Batch

HEADING: Final = "## A full database, and a long conversation\n"
AIM: Final = 1.5
_INTRODUCTION: Final = f"""\
What a user who owns {OWNED} conversations of {TURNS} turns asks, in a database with those alone and
in one with {USERS * OWNED:,} conversations of {USERS:,} users. Two services run side by side, one
on each database, and four callers ask; ratios are medians of the ratios within each round, and the
aim is {AIM} at most. CPU is that of the service's process, p50 the time that a caller waits; what
PostgreSQL itself computes is in p50 alone. The fake model answers with 50 tokens.
"""
_TURNS: Final = """\
A turn behind so many others is sent to the model with all of them, so it costs more than a first
one; what it stores does not grow. Rows and bytes are those of the turn and its journal.
"""

type Figure = Callable[[Batch], float]


def render_growth(growths: Mapping[str, Growth], rounds: int) -> str:
    """Render the part."""
    parts = [HEADING, _INTRODUCTION, f"{rounds} rounds.\n"]
    for name, growth in growths.items():
        parts += [f"### {name}\n", _requests(growth), _TURNS, _turns(growth)]
    return "\n".join(parts)


def _cpu(batch: Batch) -> float:
    return batch.cpu_ms


def _wait(batch: Batch) -> float:
    return 1000 * batch.p50


def _median(batches: Iterable[Batch], figure: Figure) -> float:
    return statistics.median(map(figure, batches))


def _ratio(above: Sequence[Batch], below: Sequence[Batch], figure: Figure) -> str:
    pairs = zip(above, below, strict=True)
    return f"{statistics.median(figure(a) / figure(b) for a, b in pairs):.2f}"


def _requests(growth: Growth) -> str:
    lines = [
        "| | CPU, alone | among others | ratio | p50, alone | among others | ratio | failed |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(name for name, _ in growth.requests):
        alone, among = growth.requests[name, ALONE], growth.requests[name, AMONG]
        cells = [name]
        for figure in (_cpu, _wait):
            cells += [f"{_median(side, figure):.2f} ms" for side in (alone, among)]
            cells.append(_ratio(among, alone, figure))
        cells.append(str(sum(batch.failed for batch in (*alone, *among))))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _turns(growth: Growth) -> str:
    lines = [
        "| | CPU | to turn 1 | p50 | to turn 1 | rows stored | bytes stored |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    first = growth.turns[LENGTHS[0]]
    for length in LENGTHS:
        batches, stored = growth.turns[length], growth.stored[length]
        cells = [f"turn {length + 1}"]
        for figure in (_cpu, _wait):
            cells.append(f"{_median(batches, figure):.2f} ms")
            cells.append(_ratio(batches, first, figure))
        cells += [f"{stored.rows:.1f}", f"{stored.bytes:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])
