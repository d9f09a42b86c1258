"""Answers that nobody can find again: a turn without a conversation, and nothing of it is stored.

So it cannot wait for its user either, and has only the tools that nobody must allow. It knows no
wire; how a turn runs is the matter of its pipeline.
"""

from collections.abc import Awaitable
from contextlib import aclosing
from dataclasses import replace

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.assistant.shields.placeholders import Restorer
from lightspeed_core.assistant.supervisor import Pipeline
from lightspeed_core.domain.events import QuestionRewritten
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.errors import EngineUnavailable, NotFound


async def infer(prepared: Awaitable[TurnContext], pipeline: Pipeline) -> Turn:
    """Run a turn to its end within the call; cancelling the call ends it.

    Raises as `prepare_turn` and the pipeline do, and `EngineUnavailable` where no model is listed.
    """
    try:
        context = replace(await prepared, may_wait=False)
    except NotFound as error:
        if error.resource == "model" and error.resource_id is None:
            raise EngineUnavailable(error.cause, backend="inference service") from error
        raise
    fold = TurnFold(context.begun)
    shown = Restorer()
    try:
        async with aclosing(pipeline(context)) as events:
            async for event in events:
                fold.add(event)
                if isinstance(event, QuestionRewritten):
                    shown = Restorer(event.restore)
    finally:
        await context.account.settle()
    return shown.turn(fold.result(TurnState.COMPLETED))
