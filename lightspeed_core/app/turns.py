"""Put together what answers questions, and take it down when the running turns have ended."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from lightspeed_core.app.signals import on_termination
from lightspeed_core.assistant.approvals import ApprovalDesk
from lightspeed_core.assistant.assistant import Assistant
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.file_search import FileSearch
from lightspeed_core.assistant.keeper import TurnKeeper
from lightspeed_core.assistant.record import TurnRecorder
from lightspeed_core.assistant.supervisor import Pipeline, TurnSupervisor
from lightspeed_core.assistant.toolbox import JoinedTools, ToolSource
from lightspeed_core.assistant.topic import TopicWriter
from lightspeed_core.assistant.turn import TurnParts, run_turn
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.quota.account import QuotasOfRoutes
from lightspeed_core.user_data.transcripts import Transcripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What turns are made of; `text_stored` once there is something to find."""

    engine: Engine
    store: ConversationStore
    metrics: Metrics
    settings: AssistantSettings
    transcripts: Transcripts | None
    text_stored: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def open_assistant(
    parts: Parts,
    background: asyncio.TaskGroup,
    quotas: QuotasOfRoutes,
    tools: Sequence[ToolSource] = (),
) -> AsyncGenerator[Assistant, None]:
    """Answer questions while the block runs, and let the last of them end when it is left.

    A request to end the process lets them end as well.
    """
    async with AsyncExitStack() as stack:
        turns = await stack.enter_async_context(asyncio.TaskGroup())
        pipeline = partial(run_turn, parts=_turn_parts(parts, tools))
        supervisor = _supervise(parts, pipeline, turns=turns, background=background)
        desk = ApprovalDesk(
            store=parts.store,
            supervisor=supervisor,
            settings=parts.settings,
            quotas=quotas.turns,
            metrics=parts.metrics.approvals,
        )
        _keep(parts, supervisor, desk, background)
        stack.push_async_callback(supervisor.drain)
        stack.enter_context(on_termination(_drainer(supervisor, background)))
        assistant = Assistant(
            engine=parts.engine,
            supervisor=supervisor,
            pipeline=pipeline,
            settings=parts.settings,
            quotas=quotas,
            desk=desk,
        )
        assistant.admissions.report_to(parts.metrics.room)
        yield assistant


def _turn_parts(parts: Parts, tools: Sequence[ToolSource]) -> TurnParts:
    return TurnParts(
        engine=parts.engine,
        store=parts.store,
        tools=JoinedTools((FileSearch(parts.engine, parts.settings.sources), *tools)),
        metrics=parts.metrics,
        settings=parts.settings,
        text_stored=parts.text_stored,
    )


def _supervise(
    parts: Parts,
    pipeline: Pipeline,
    *,
    turns: asyncio.TaskGroup,
    background: asyncio.TaskGroup,
) -> TurnSupervisor:
    return TurnSupervisor(
        group=turns,
        store=parts.store,
        recorder=_recorder(parts),
        pipeline=pipeline,
        on_answered=TopicWriter(
            group=background,
            engine=parts.engine,
            store=parts.store,
            prompt=parts.settings.topic_prompt,
        ).schedule,
        settings=parts.settings,
    )


def _keep(
    parts: Parts, supervisor: TurnSupervisor, desk: ApprovalDesk, background: asyncio.TaskGroup
) -> None:
    keeper = TurnKeeper(
        store=parts.store,
        supervisor=supervisor,
        recorder=_recorder(parts),
        desk=desk,
        resume_window=timedelta(seconds=parts.settings.resume_window),
    )
    background.create_task(keeper.run(), name="keeper")


def _recorder(parts: Parts) -> TurnRecorder:
    return TurnRecorder(parts.store, parts.metrics.recording_failed, parts.transcripts)


def _drainer(supervisor: TurnSupervisor, background: asyncio.TaskGroup) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def drain() -> None:
        background.create_task(supervisor.drain(), name="drain")

    return lambda: loop.call_soon_threadsafe(drain) and None
