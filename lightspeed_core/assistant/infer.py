"""Answers that nobody can find again: a turn without a conversation, and nothing of it is stored.

It knows no wire; how a turn runs is the matter of its pipeline.
"""

from contextlib import aclosing

from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.assistant.prepare import prepare_turn
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.supervisor import Pipeline
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import EngineUnavailable, NotFound


async def infer(
    request: TurnRequest,
    caller: Identity,
    *,
    engine: Engine,
    store: ConversationStore,
    settings: AssistantSettings,
    pipeline: Pipeline,
) -> Turn:
    """Run a turn to its end within the call; cancelling the call ends it.

    Raises as `prepare_turn` and the pipeline do, and `EngineUnavailable` where no model is listed.
    """
    try:
        context = await prepare_turn(request, caller, engine=engine, store=store, settings=settings)
    except NotFound as error:
        if error.resource == "model" and error.resource_id is None:
            raise EngineUnavailable(error.cause, backend="inference service") from error
        raise
    fold = TurnFold(context.begun)
    async with aclosing(pipeline(context)) as events:
        async for event in events:
            fold.add(event)
    return fold.result(TurnState.COMPLETED)
