"""An `Assistant` wired by hand over an engine and a store of the test's choice."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from lightspeed_core.assistant.approvals import ApprovalDesk
from lightspeed_core.assistant.assistant import Assistant
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.keeper import TurnKeeper
from lightspeed_core.assistant.live import EventSource
from lightspeed_core.assistant.record import TurnRecorder
from lightspeed_core.assistant.retrieval import Reranker
from lightspeed_core.assistant.supervisor import OnAnswered, TurnSupervisor
from lightspeed_core.assistant.toolbox import JoinedTools, ToolSource
from lightspeed_core.assistant.topic import TopicWriter
from lightspeed_core.assistant.turn import TurnParts, run_turn
from lightspeed_core.config.authorization import Action
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.events import TextDelta, TurnEvent
from lightspeed_core.domain.identity import Identity
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.quota.account import QuotasOfRoutes
from lightspeed_core.user_data.transcripts import Transcripts

WAIT_SECONDS = 5.0

OWN_ACTIONS = frozenset(action for action in Action if "_other_" not in action)


def caller(user_id: str = "ann", *more: str) -> Identity:
    """Return a user who may do everything of their own, and `more`."""
    return Identity(user_id=user_id, username=user_id, actions=OWN_ACTIONS | frozenset(more))


@dataclass
class Wired:
    """One worker: the assistant with the parts that a test looks into."""

    assistant: Assistant
    supervisor: TurnSupervisor
    keeper: TurnKeeper
    metrics: Metrics
    failures: list[None] = field(default_factory=list[None])


@asynccontextmanager
async def wired_assistant(
    engine: Engine,
    store: ConversationStore,
    *,
    settings: AssistantSettings | None = None,
    tools: ToolSource | None = None,
    on_answered: OnAnswered | None = None,
    transcripts: Transcripts | None = None,
    quotas: QuotasOfRoutes | None = None,
    reranker: Reranker | None = None,
) -> AsyncGenerator[Wired]:
    """Run a worker; turns that still run at the end are drained."""
    settings = settings or AssistantSettings(system_prompt="Be brief.", drain=WAIT_SECONDS)
    failures: list[None] = []
    metrics = Metrics()
    async with asyncio.TaskGroup() as group:
        recorder = TurnRecorder(store, lambda: failures.append(None), transcripts)
        text_stored = asyncio.Event()
        text_stored.set()
        parts = TurnParts(
            engine=engine,
            store=store,
            tools=tools or JoinedTools(()),
            metrics=metrics,
            settings=settings,
            text_stored=text_stored,
            reranker=reranker,
        )
        topics = TopicWriter(group=group, engine=engine, store=store, prompt=settings.topic_prompt)
        pipeline = partial(run_turn, parts=parts)
        supervisor = TurnSupervisor(
            group=group,
            store=store,
            recorder=recorder,
            pipeline=pipeline,
            on_answered=on_answered or topics.schedule,
            settings=settings,
        )
        quotas = quotas or QuotasOfRoutes()
        desk = ApprovalDesk(
            store=store,
            supervisor=supervisor,
            settings=settings,
            quotas=quotas.turns,
            metrics=metrics.approvals,
        )
        keeper = TurnKeeper(
            store=store,
            supervisor=supervisor,
            recorder=recorder,
            desk=desk,
            resume_window=timedelta(seconds=settings.resume_window),
        )
        assistant = Assistant(
            engine=engine,
            supervisor=supervisor,
            pipeline=pipeline,
            settings=settings,
            quotas=quotas,
            desk=desk,
        )
        yield Wired(
            assistant=assistant,
            supervisor=supervisor,
            keeper=keeper,
            metrics=metrics,
            failures=failures,
        )
        await supervisor.drain()


async def all_events(source: EventSource) -> list[TurnEvent]:
    """Read a turn to its end."""
    events: list[TurnEvent] = []
    async with asyncio.timeout(WAIT_SECONDS):
        async for batch in source.events():
            events.extend(batch)
    return events


async def text_has_come(source: EventSource) -> None:
    """Wait for the first token."""
    async with asyncio.timeout(WAIT_SECONDS), aclosing(source.events()) as batches:
        async for batch in batches:
            if any(isinstance(event, TextDelta) for event in batch):
                return


def text_of(events: list[TurnEvent]) -> str:
    """Join the tokens of the events."""
    return "".join(
        token for event in events if isinstance(event, TextDelta) for token in event.tokens
    )
