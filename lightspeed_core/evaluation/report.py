"""An evaluation as people and programs read it. Does not know how it was measured."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from lightspeed_core.evaluation.bootstrap import Estimate
from lightspeed_core.evaluation.evaluation import Evaluation
from lightspeed_core.evaluation.retrieval import ModeResult


def render_json(evaluation: Evaluation) -> str:
    """Write everything, shares between 0 and 1, rounded to four digits."""
    exact = json.dumps(asdict(evaluation))
    shown = json.loads(exact, parse_float=_rounded)
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def render_table(evaluation: Evaluation) -> str:
    """Write figures in percent with their 95 % intervals, and the times in milliseconds."""
    lines = [
        f"vector store {evaluation.store}, embedded by {evaluation.embedding_model}",
        f"{evaluation.answerable} questions with an answer, {evaluation.unanswerable} without",
        "",
        *_aligned(_mode_rows(evaluation.modes)),
    ]
    answers = evaluation.answers
    if answers is not None:
        rows = [[name, shown(figure)] for name, figure in answers.figures.items()]
        latency = answers.latency
        rows.append(["p50 / p95 ms", f"{latency.p50_ms:.0f} / {latency.p95_ms:.0f}"])
        lines += ["", *_aligned([["answers", ""], *rows])]
        lines += [f"warning: {name} failed: {why}" for name, why in answers.failed.items()]
    lines += [f"warning: {warning}" for warning in evaluation.warnings]
    return "\n".join(lines) + "\n"


def shown(figure: Estimate | None) -> str:
    """Write a figure in percent with its interval; a dash where there is none."""
    if figure is None:
        return "-"
    return f"{100 * figure.value:.1f} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def _mode_rows(modes: Sequence[ModeResult]) -> Iterator[list[str]]:
    yield ["mode", *modes[0].figures, "p50 / p95 ms"]
    for result in modes:
        latency = f"{result.latency.p50_ms:.1f} / {result.latency.p95_ms:.1f}"
        yield [result.mode, *map(shown, result.figures.values()), latency]
    for result in modes[1:]:
        yield [f"recall@5 of {result.mode} less {modes[0].mode}", shown(result.difference)]


def _aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = [list(row) for row in rows]
    full = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    for row in rows:
        if len(row) < len(rows[0]):
            yield "  ".join(row)
        else:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(padded).rstrip()


def _rounded(digits: str) -> float:
    return round(float(digits), 4)
