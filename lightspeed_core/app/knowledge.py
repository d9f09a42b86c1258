"""Documents that the service keeps by itself: the product's own, and folders."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from lightspeed_core.config.knowledge import KnowledgeConfiguration, KnowledgeFolder
from lightspeed_core.config.shipped import shipped_root
from lightspeed_core.errors import LightspeedError
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.sources import Folder, ProductDocs
from lightspeed_core.ingest.watching import changes

logger = logging.getLogger(__name__)


async def keep_knowledge(
    ingestion: Ingestion, section: KnowledgeConfiguration, on_text: Callable[[], None]
) -> None:
    """Bring everything up to date, one after another, and then follow what is watched.

    `on_text` is called when there is something to find, or nothing will come.
    """
    if section.product_docs:
        await ingestion.keep(section.store, ProductDocs(shipped_root()), on_text=on_text)
    for folder in section.folders:
        await _keep_folder(ingestion, folder, on_text)
    on_text()
    async with asyncio.TaskGroup() as group:
        for folder in section.folders:
            if folder.watch:
                group.create_task(_follow(ingestion, folder), name=f"folder {folder.path}")


async def _keep_folder(
    ingestion: Ingestion, folder: KnowledgeFolder, on_text: Callable[[], None]
) -> None:
    try:
        store = await ingestion.store_named(folder.store)
    except LightspeedError as error:
        logger.warning("folder not indexed path=%s store=%s: %s", folder.path, folder.store, error)
        return
    await ingestion.keep(store.store_id, _source_of(folder), on_text=on_text)


async def _follow(ingestion: Ingestion, folder: KnowledgeFolder) -> None:
    """Bring the folder up to date whenever something in it has changed."""
    async for _ in changes(Path(folder.path)):
        await _keep_folder(ingestion, folder, lambda: None)


def _source_of(folder: KnowledgeFolder) -> Folder:
    return Folder(
        Path(folder.path),
        include=folder.include,
        exclude=folder.exclude,
        url_prefix=folder.url_prefix,
    )
