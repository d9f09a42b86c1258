"""The subcommand `eval`: reads questions, measures a store, prints."""

import asyncio
import sys
from pathlib import Path

from lightspeed_core.app.evaluation import evaluate_store
from lightspeed_core.config.root import Configuration
from lightspeed_core.engine.types import SearchMode
from lightspeed_core.evaluation.questions import read_questions
from lightspeed_core.evaluation.report import render_json, render_table


def evaluate(
    configuration: Configuration,
    file: Path,
    *,
    store: str | None,
    mode: str,
    with_answers: bool,
    as_json: bool,
) -> int:
    """Print what was measured; returns 0. Raises `LightspeedError` where nothing can be."""
    questions = read_questions(file)
    evaluation = asyncio.run(
        evaluate_store(
            configuration,
            questions,
            store_id=store or configuration.knowledge.store,
            mode=None if mode == "all" else SearchMode(mode),
            with_answers=with_answers,
        )
    )
    sys.stdout.write(render_json(evaluation) if as_json else render_table(evaluation))
    return 0
