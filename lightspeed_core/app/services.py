"""Build every part, in the order of their dependence, and take them down in reverse.

It names authentication modules and the engine; `app/stores.py` names the stores.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from lightspeed_core.api.state import Services
from lightspeed_core.app.background import background_group
from lightspeed_core.app.retention import removal_of, schedule_sweeps
from lightspeed_core.app.settings import assistant_settings, engine_settings
from lightspeed_core.app.signals import on_termination
from lightspeed_core.app.stores import choose_stores, opened
from lightspeed_core.app.takeover import import_conversations
from lightspeed_core.app.user_data import feedback_of, transcripts_of
from lightspeed_core.assistant.assistant import Assistant
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.keeper import TurnKeeper
from lightspeed_core.assistant.record import TurnRecorder
from lightspeed_core.assistant.supervisor import Pipeline, TurnSupervisor
from lightspeed_core.assistant.tool_loop import NoTools
from lightspeed_core.assistant.topic import TopicWriter
from lightspeed_core.assistant.turn import TurnParts, run_turn
from lightspeed_core.auth.registry import authenticator_of, authorizer_of
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.shipped import shipped_root
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.engine.llama_stack.factory import create_engine
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import BootStage
from lightspeed_core.errors import LightspeedError
from lightspeed_core.ingest.pipeline import keep_product_docs
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.prompts.saved import SavedPrompts
from lightspeed_core.user_data.transcripts import Transcripts

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 5.0

type OnFatal = Callable[[LightspeedError], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What turns are made of, before they can run."""

    engine: Engine
    store: ConversationStore
    metrics: Metrics
    settings: AssistantSettings
    transcripts: Transcripts | None
    text_stored: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def open_services(
    configuration: Configuration, on_fatal: OnFatal
) -> AsyncGenerator[Services, None]:
    """Open everything that the API calls; the engine boots beside it.

    `on_fatal` is called when the service cannot go on, for example because its engine lacks what
    the configuration relies on. Raises `ConfigurationError` for what is known at once.
    """
    metrics = Metrics()
    stores = choose_stores(configuration, metrics.turns.journaled)
    parts = Parts(
        engine=create_engine(engine_settings(configuration)),
        store=stores.conversations,
        metrics=metrics,
        settings=assistant_settings(configuration),
        transcripts=transcripts_of(configuration, metrics),
    )
    authenticator = authenticator_of(configuration.authentication)
    authorizer = authorizer_of(configuration.authentication)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.engine.close)
        await stack.enter_async_context(opened(stores))
        background = await stack.enter_async_context(background_group())
        turns = await stack.enter_async_context(asyncio.TaskGroup())
        pipeline = partial(run_turn, parts=_turn_parts(parts))
        supervisor = _supervise(parts, pipeline, turns=turns, background=background)
        stack.push_async_callback(supervisor.drain)
        stack.enter_context(on_termination(_drainer(supervisor, background)))
        background.create_task(import_conversations(stores.takeover, on_fatal), name="import")
        background.create_task(_boot(parts, configuration, on_fatal), name="boot")
        removal = removal_of(configuration, parts.store, metrics)
        schedule_sweeps(background, configuration, parts.store, removal)
        yield Services(
            configuration=configuration,
            engine=parts.engine,
            authenticator=authenticator,
            authorizer=authorizer,
            assistant=_assistant(parts, pipeline, supervisor),
            conversations=ConversationAccess(parts.store, removal),
            metrics=parts.metrics,
            feedback=feedback_of(
                configuration,
                status=stores.feedback_status,
                conversations=stores.conversations,
                metrics=metrics,
            ),
            prompts=stores.prompts,
            saved_prompts=SavedPrompts(stores.saved_prompts, configuration.saved_prompts),
        )


def _assistant(parts: Parts, pipeline: Pipeline, supervisor: TurnSupervisor) -> Assistant:
    return Assistant(
        engine=parts.engine,
        store=parts.store,
        supervisor=supervisor,
        pipeline=pipeline,
        settings=parts.settings,
    )


def _turn_parts(parts: Parts) -> TurnParts:
    return TurnParts(
        engine=parts.engine,
        store=parts.store,
        toolbox=NoTools(),
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
    recorder = TurnRecorder(parts.store, parts.metrics.recording_failed, parts.transcripts)
    supervisor = TurnSupervisor(
        group=turns,
        store=parts.store,
        recorder=recorder,
        pipeline=pipeline,
        on_answered=TopicWriter(
            group=background,
            engine=parts.engine,
            store=parts.store,
            prompt=parts.settings.topic_prompt,
        ).schedule,
        settings=parts.settings,
    )
    keeper = TurnKeeper(
        store=parts.store,
        supervisor=supervisor,
        recorder=recorder,
        resume_window=timedelta(seconds=parts.settings.resume_window),
    )
    background.create_task(keeper.run(), name="keeper")
    return supervisor


def _drainer(supervisor: TurnSupervisor, background: asyncio.TaskGroup) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def drain() -> None:
        background.create_task(supervisor.drain(), name="drain")

    return lambda: loop.call_soon_threadsafe(drain) and None


async def _boot(parts: Parts, configuration: Configuration, on_fatal: OnFatal) -> None:
    engine = parts.engine
    try:
        await engine.start()
    except LightspeedError as error:
        logger.critical("engine did not start: %s", error)
        on_fatal(error)
        return
    if engine.status().stage is BootStage.FAILED:
        parts.metrics.started_degraded()
    await _wait_for_server(engine)
    await _show_models(parts)
    if configuration.knowledge.product_docs:
        await keep_product_docs(
            engine,
            configuration.knowledge.store,
            shipped_root(),
            on_text=parts.text_stored.set,
        )
    parts.text_stored.set()


async def _show_models(parts: Parts) -> None:
    """Show the language models among the metrics, as far as the server still answers."""
    try:
        listed = [model for model in await parts.engine.models() if model.model_type == "llm"]
    except LightspeedError as error:
        logger.warning("models were not listed for the metrics: %s", error)
        return
    configured = parts.settings.default_model
    first = listed[0].identifier if listed else None
    parts.metrics.models_listed(
        ((model.provider_id, model.identifier) for model in listed),
        configured.identifier if configured else first,
    )


async def _wait_for_server(engine: Engine) -> None:
    """Call an engine that may have started degraded, until its server has come."""
    while True:
        try:
            await engine.version()
        except LightspeedError:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return
