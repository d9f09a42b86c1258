"""`make ranking`: measures the frozen set and writes figures and table. It asserts nothing."""

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightspeed_core.app.evaluation import answering
from lightspeed_core.app.services import started_engine
from lightspeed_core.evaluation.bootstrap import Estimate
from lightspeed_core.evaluation.evaluation import Evaluation, evaluate
from lightspeed_core.evaluation.report import render_table
from tests.ranking.figures import PAGE, RECORDED, with_table
from tests.support.frozen_set import (
    HALVES,
    STORE,
    configured,
    filled_engine,
    freeze,
    frozen_questions,
)


def main() -> None:
    """Measure, after embedding all texts anew where that is asked for."""
    parser = argparse.ArgumentParser(description="Measure ranking, and write what was found.")
    parser.add_argument("--freeze", action="store_true", help="first cut and embed the texts anew")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(_measure(Path(folder), freezes=arguments.freeze))
    figures = {
        "modes": {half: _modes(each) for half, each in measured.items()},
        "answers": {half: _answers(each) for half, each in measured.items()},
    }
    RECORDED.write_text(json.dumps(figures, indent=2) + "\n")
    PAGE.write_text(with_table(PAGE.read_text(), figures))


async def _measure(folder: Path, *, freezes: bool) -> dict[str, Evaluation]:
    if freezes:
        async with started_engine(configured(folder / "freezing")) as engine:
            await freeze(engine)
    measured: dict[str, Evaluation] = {}
    async with filled_engine(folder / "data") as engine:
        ask = answering(configured(folder / "data"), engine, STORE)
        for half in HALVES:
            measured[half] = await evaluate(engine, STORE, frozen_questions(half), ask=ask)
            print(f"{half}\n{render_table(measured[half])}")
    return measured


def _modes(evaluation: Evaluation) -> dict[str, Any]:
    return {
        result.mode.value: {
            **{name: _rounded(figure) for name, figure in result.figures.items()},
            "recall@5 less hybrid's": _rounded(result.difference),
        }
        for result in evaluation.modes
    }


def _answers(evaluation: Evaluation) -> dict[str, Any]:
    figures = evaluation.answers.figures if evaluation.answers else {}
    return {name: _rounded(figure) for name, figure in figures.items()}


def _rounded(figure: Estimate | None) -> dict[str, float] | None:
    return figure and {name: round(value, 4) for name, value in asdict(figure).items()}


if __name__ == "__main__":
    main()
