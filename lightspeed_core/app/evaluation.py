"""What an evaluation needs of the service: its engine, and answers that leave no trace."""

import asyncio
from functools import partial
from itertools import chain

from lightspeed_core.app.services import started_engine
from lightspeed_core.app.settings import assistant_settings
from lightspeed_core.assistant.infer import infer
from lightspeed_core.assistant.prepare import prepare_turn
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.toolbox import JoinedTools
from lightspeed_core.assistant.turn import TurnParts, run_turn
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import Turn
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import SearchMode
from lightspeed_core.evaluation.answers import Ask
from lightspeed_core.evaluation.evaluation import Evaluation, evaluate
from lightspeed_core.evaluation.questions import Question
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.quota.account import NoQuotas


async def evaluate_store(
    configuration: Configuration,
    questions: tuple[Question, ...],
    *,
    store_id: str,
    mode: SearchMode | None,
    with_answers: bool,
) -> Evaluation:
    """Start the engine, measure the store, and stop it again.

    Raises `ConfigurationError`, and what the engine raises.
    """
    async with started_engine(configuration) as engine:
        ask = answering(configuration, engine, store_id) if with_answers else None
        return await evaluate(engine, store_id, questions, mode=mode, ask=ask)


def answering(configuration: Configuration, engine: Engine, store_id: str) -> Ask:
    """Answer questions from one store as the service does, but for tools.

    Each is a turn of its own without a conversation; nothing is stored and no quota is charged.
    """
    store = MemoryConversationStore()
    settings = assistant_settings(configuration)
    parts = TurnParts(
        engine=engine,
        store=store,
        tools=JoinedTools(()),
        metrics=Metrics(),
        settings=settings,
        text_stored=asyncio.Event(),
    )
    parts.text_stored.set()
    # Whoever may run the command may read the files of every store.
    roles = frozenset(chain.from_iterable(configuration.rag.access.values()))
    caller = Identity(user_id="evaluation", username="evaluation", roles=roles)

    async def ask(question: str) -> Turn:
        request = TurnRequest(query=question, vector_store_ids=(store_id,))
        prepared = prepare_turn(
            request, caller, engine=engine, store=store, settings=settings, quotas=NoQuotas()
        )
        return await infer(prepared, partial(run_turn, parts=parts))

    return ask
