"""Llama Stack as any other user of our providers opens it, without the service's adapter."""

import asyncio
import contextlib
import importlib
import io
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from lightspeed_core.engine.llama_stack.logs import kept_logging

WRITE_SECONDS = 5


@contextlib.asynccontextmanager
async def raw_stack(file: Path) -> AsyncGenerator[Any]:
    """Boot a library client from a run.yaml and leave nothing of it in this process.

    Its logging, a set of models that a class shares, writes that nobody awaits and connections
    that its shutdown forgets would reach the tests after it.
    """
    library = importlib.import_module("llama_stack.core.library_client")
    tables = importlib.import_module("llama_stack.core.routing_tables.models")
    with kept_logging():
        client = library.AsyncLlamaStackAsLibraryClient(str(file))
    tables.ModelsRoutingTable.listed_providers = set()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            await client.initialize()
        before = asyncio.all_tasks()
        yield client
        if writing := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(writing, timeout=WRITE_SECONDS)
        await client.shutdown()
    finally:
        await client.close()
        await _close_backends()


async def _close_backends() -> None:
    for kind in ("kvstore", "sqlstore"):
        store = importlib.import_module(f"llama_stack.core.storage.{kind}.{kind}")
        await getattr(store, f"shutdown_{kind}_backends")()
