"""A second process with an engine of its own, which makes, replaces and removes stores on demand.

Run as `python -m tests.support.store_process RUN_YAML DATA_DIR`. Each line of its input is a JSON
list of a verb and its arguments; each is answered with a line.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import NewVectorStore
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.reindex import reindex
from tests.support.engines import ROOT, started_engine

ANSWER_SECONDS = 60


class StoreProcess:
    """A running second process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def do(self, verb: str, *arguments: str) -> None:
        """Let it do something and wait until it is done."""
        await self.begin(verb, *arguments)
        assert await self.answer() == "done"

    async def begin(self, verb: str, *arguments: str) -> None:
        """Let it do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([verb, *arguments]).encode() + b"\n")
        await self._process.stdin.drain()

    async def answer(self) -> str:
        """Read a line."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_SECONDS)
        return line.decode().strip()


@asynccontextmanager
async def store_process(run_yaml: Path, data_dir: Path) -> AsyncGenerator[StoreProcess]:
    """Start a second process and wait until its engine is there."""
    module = "tests.support.store_process"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        str(run_yaml),
        str(data_dir),
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
    )
    try:
        running = StoreProcess(process)
        assert await running.answer() == "ready"
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _do(engine: Engine, verb: str, *arguments: str) -> None:
    match verb, arguments:
        case "create", (store_id,):
            await engine.create_vector_store(NewVectorStore(name=store_id, store_id=store_id))
        case "insert", (store_id, text):
            chunk = Chunk(
                chunk_id=f"c-{text}", document_id="d", content=text, start=0, end=len(text)
            )
            source = SourceDocument(document_id="d", text=text, content_hash=text, title="D")
            await engine.insert_document(store_id, source, [chunk])
        case "replace", (store_id, by):
            await engine.replace_vector_store(store_id, by=by)
        case "reindex", (store_id, model):
            await reindex(engine, store_id, model, Progress())
        case "delete", (store_id,):
            await engine.delete_vector_store(store_id)
        case _:
            raise AssertionError(verb)


async def _main(run_yaml: Path, data_dir: Path) -> None:
    loop = asyncio.get_running_loop()
    async with started_engine(EngineSettings(run_config=run_yaml, data_dir=data_dir)) as engine:
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            await _do(engine, *json.loads(line))
            print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2])))
