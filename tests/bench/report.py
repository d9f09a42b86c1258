"""Writes docs/performance.md: medians over the rounds, ratios within each round."""

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from tests.bench.requests_plan import CALLERS
from tests.bench.samples import Batch
from tests.bench.serving import Results
from tests.bench.starting import Start, Starts

INTRODUCTION = """\
# Performance

Written by `make bench`; every figure comes from one run on one machine. Compare ratios, not
milliseconds: the machine may be slow and busy, and it was so for every row alike. Rows are
measured in turn, round by round; figures are medians over the rounds, ratios are medians of the
ratios within each round.

A fake model in a process of its own answers with 50 tokens, one packet each. CPU is that of the
measured process with all its threads, per request. The service runs as shipped, access log
included: every turn is recorded in SQLite and its events are journaled. Questions are asked
without a store and without a topic summary; the rows with retrieval search this product's own
documents first (hybrid search, embedding of the question included). The pass-through is FastAPI
and httpx forwarding raw bytes: it parses nothing and keeps nothing. The clients' rows are the cost
of the calling process itself. Load comes from another process.
"""
SHAPES = {"whole": "A whole answer", "stream": "A stream of 50 tokens"}


def ratio(above: Iterable[float], below: Iterable[float]) -> float:
    """Return the median of the ratios of pairs."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def render(starts: Starts, servings: Mapping[str, Results], rounds: int) -> str:
    """Render the whole page."""
    first = next(iter(servings.values()))
    parts = [INTRODUCTION, _machine(rounds), _aims(starts, first), _starts(starts)]
    for name, results in servings.items():
        parts.append(f"## Upstream: {name}\n")
        parts += [_table(results, shape) for shape in SHAPES]
    return "\n".join(parts)


def _machine(rounds: int) -> str:
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("llama-stack", "fastapi", "httpx", "openai")
    )
    return (
        f"{_processor()}, {os.cpu_count()} cores; {platform.system()}; "
        f"Python {platform.python_version()}; {packages}. {rounds} rounds.\n"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _aims(starts: Starts, zero: Results) -> str:
    def cpu(shape: str, name: str, callers: int) -> list[float]:
        return [batch.cpu_ms for batch in zero[shape, name, callers]]

    bare = [start.readiness for start in starts.bare]
    rows = [
        ("Time to liveness / bare boot", "0.4", [s.liveness for s in starts.service], bare),
        ("Time to readiness / bare boot", "1.2", [s.readiness for s in starts.service], bare),
        (
            "CPU until readiness / bare boot",
            "",
            [s.cpu for s in starts.service],
            [s.cpu for s in starts.bare],
        ),
        (
            "Memory at rest / bare boot",
            "1.3",
            [s.memory for s in starts.service],
            [s.memory for s in starts.bare],
        ),
        (
            "CPU of a recorded 50-token stream / pass-through, 32 callers",
            "1.5",
            cpu("stream", "/v1/streaming_query", 32),
            cpu("stream", "pass-through", 32),
        ),
        (
            "CPU of `/v1/query` / openai SDK call, 32 callers",
            "2",
            cpu("whole", "/v1/query", 32),
            cpu("whole", "openai SDK call", 32),
        ),
    ]
    lines = ["## Aims\n", "| Ratio | Aim, at most | Measured |", "|---|--:|--:|"]
    lines += [f"| {name} | {aim} | {ratio(a, b):.2f} |" for name, aim, a, b in rows]
    return "\n".join([*lines, ""])


def _starts(starts: Starts) -> str:
    lines = [
        "## Start\n",
        "A second start, with bytecode and data in place. The bare boot is a script that imports",
        "the library client and initializes the same run.yaml.\n",
        "| | liveness | readiness | CPU until then | memory at rest |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, measured in (("bare boot", starts.bare), ("service", starts.service)):
        liveness = "" if name == "bare boot" else f"{_median(measured, 'liveness'):.2f} s"
        lines.append(
            f"| {name} | {liveness} | {_median(measured, 'readiness'):.2f} s "
            f"| {_median(measured, 'cpu'):.2f} s | {_median(measured, 'memory'):.0f} MB |"
        )
    return "\n".join([*lines, ""])


def _median(starts: list[Start], name: str) -> float:
    return statistics.median(getattr(start, name) for start in starts)


def _table(results: Results, shape: str) -> str:
    lines = [
        f"### {SHAPES[shape]}\n",
        "| | callers | CPU a request | requests/s | p50 | p95 | first token p50 | failed |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    names = dict.fromkeys(name for found, name, _ in results if found == shape)
    lines += [
        _row(name, callers, results[shape, name, callers]) for name in names for callers in CALLERS
    ]
    return "\n".join([*lines, ""])


def _row(name: str, callers: int, batches: list[Batch]) -> str:
    def median(figure: Callable[[Batch], float]) -> float:
        return statistics.median(figure(batch) for batch in batches)

    first = median(lambda batch: batch.first_p50)
    cells = [
        name if name[0] != "/" else f"`{name.split()[0]}`{name[len(name.split()[0]) :]}",
        str(callers),
        f"{median(lambda batch: batch.cpu_ms):.2f} ms",
        f"{median(lambda batch: batch.rate):.0f}",
        f"{1000 * median(lambda batch: batch.p50):.1f} ms",
        f"{1000 * median(lambda batch: batch.p95):.1f} ms",
        f"{1000 * first:.1f} ms" if first else "",
        str(sum(batch.failed for batch in batches)),
    ]
    return "| " + " | ".join(cells) + " |"
