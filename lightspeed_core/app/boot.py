"""What happens beside the first requests: the engine boots, documents become findable."""

import asyncio
import logging
from collections.abc import Callable

from lightspeed_core.app.knowledge import keep_knowledge
from lightspeed_core.app.sources import warn_of_unknown_stores
from lightspeed_core.app.turns import Parts
from lightspeed_core.config.root import Configuration
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import BootStage
from lightspeed_core.errors import LightspeedError
from lightspeed_core.ingest.ingestion import Ingestion

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 5.0

type OnFatal = Callable[[LightspeedError], None]


async def boot(
    parts: Parts, ingestion: Ingestion, configuration: Configuration, on_fatal: OnFatal
) -> None:
    """Start the engine, then keep documents findable, as long as the service lives.

    `on_fatal` is called when the service cannot go on.
    """
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
    made_later = {folder.store for folder in configuration.knowledge.folders}
    await warn_of_unknown_stores(engine, parts.settings.sources, made_later)
    await keep_knowledge(ingestion, configuration.knowledge, parts.text_stored.set)


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
