"""The subcommand `import`: takes a store that another program wrote over into one of ours."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lightspeed_core.app.importing import finish_import, model_folders, open_for_import
from lightspeed_core.cli.arguments import FAILED, PROGRAM
from lightspeed_core.config.data_directory import create_data_directory
from lightspeed_core.config.root import Configuration
from lightspeed_core.engine.types import VectorStoreInfo
from lightspeed_core.errors import ConfigurationError, LightspeedError
from lightspeed_core.ingest.foreign.reader import choose_store, list_stores
from lightspeed_core.ingest.foreign.taking_in import (
    Import,
    Imported,
    find_or_make_store,
    take_in,
)

INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    path: Path
    store: str
    foreign: str | None = None
    reembed: bool = False


def import_store(configuration: Configuration, wish: Wish, *, as_json: bool) -> int:
    """Import a file; returns 1 when it could not be imported.

    Raises `ConfigurationError` for what cannot be used at all.
    """
    began = time.monotonic()
    if configuration.data_directory is not None:
        create_data_directory(configuration.data_directory)
    try:
        with asyncio.Runner() as runner:
            store, done = runner.run(_import(configuration, wish))
    except KeyboardInterrupt:
        _complain("interrupted; what was imported stays, and the same command goes on")
        return INTERRUPTED
    except ConfigurationError:
        raise
    except LightspeedError as error:
        _complain(error.cause)
        return FAILED
    finish_import(configuration, wish.store)
    sys.stdout.write(_render(wish, store, done, time.monotonic() - began, as_json=as_json))
    return 0


async def _import(configuration: Configuration, wish: Wish) -> tuple[VectorStoreInfo, Imported]:
    # Before the engine boots, for a file that cannot be used needs none.
    foreign = choose_store(wish.path, await list_stores(wish.path), wish.foreign)
    async with open_for_import(configuration) as engine:
        store = await find_or_make_store(
            engine,
            wish.store,
            foreign,
            reembed=wish.reembed,
            folders=model_folders(configuration),
        )
        work = Import(path=wish.path, foreign=foreign, store=store, reembed=wish.reembed)
        return store, await take_in(engine, work)


def _render(
    wish: Wish, store: VectorStoreInfo, done: Imported, seconds: float, *, as_json: bool
) -> str:
    rows: dict[str, str | int | float] = {
        "file": str(wish.path),
        "store": store.name,
        "embedding_model": store.embedding_model,
        "documents": done.documents,
        "unchanged": done.unchanged,
        "chunks": done.chunks,
        "embedded": done.embedded,
        "seconds": round(seconds, 3),
    }
    if as_json:
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    return "".join(f"{name:<16} {value}\n" for name, value in rows.items())


def _complain(text: str) -> None:
    print(f"{PROGRAM}: {text}", file=sys.stderr)
