"""Puts the import of a foreign store together: an engine in which that store may be unfinished."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from lightspeed_core.app.settings import engine_settings
from lightspeed_core.config.root import Configuration
from lightspeed_core.engine.llama_stack.factory import create_engine
from lightspeed_core.engine.llama_stack.unified.own_stores import imported_file, unfinished_file
from lightspeed_core.engine.protocol import Engine


@asynccontextmanager
async def open_for_import(configuration: Configuration) -> AsyncGenerator[Engine]:
    """Boot an engine; raises as its `start` does.

    Stores of foreign files are served from where imports are kept, whole or not.
    """
    settings = engine_settings(configuration)
    # Others may wait for their import as well.
    names = frozenset(each.name for each in settings.own_stores.stores)
    own = replace(settings.own_stores, taken_in=names)
    engine = create_engine(replace(settings, own_stores=own))
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def finish_import(configuration: Configuration, store: str) -> None:
    """Let the service find a store that is whole now, in one step; the engine must be closed."""
    imported = imported_file(model_folders(configuration).parent, store)
    unfinished = unfinished_file(imported)
    if unfinished.is_file():
        unfinished.replace(imported)


def model_folders(configuration: Configuration) -> Path:
    """Return the folder below which embedding models are looked for."""
    return engine_settings(configuration).data_dir / "models"
