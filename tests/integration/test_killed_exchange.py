"""A process that is killed while it cuts a document otherwise leaves one cut of it."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.recutting import CUTS, open_kind
from tests.support.vector_store_kinds import KINDS, pgvector_config
from tests.unit.providers.faiss_hybrid.parts import found_ids, listed

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.requirement("ingest.atomic")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("commits", [2, 6])
async def test_a_killed_exchange_leaves_one_cut_whole(
    kind: str, commits: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config: dict[str, Any] = {"db_path": str(tmp_path / "k.db")}
    if kind == "pgvector_async":
        server = request.getfixturevalue("postgres")
        config = pgvector_config(server, f"vectors-{uuid4().hex}")
    await cut_until_killed(kind, config, commits)
    provider = await open_kind(kind, config)
    try:
        for mode in ("keyword", "vector"):
            found = await found_ids(provider, "alpha", mode=mode, max_chunks=1000)
            (cut,) = {int(chunk_id.split("-")[1]) for chunk_id in found}
            assert cut in CUTS
            assert len(found) == cut
        assert (await listed(provider))["d"]["chunks"] == cut
    finally:
        await provider.shutdown()


async def cut_until_killed(kind: str, config: dict[str, Any], commits: int) -> None:
    module = "tests.support.recutting"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, kind, json.dumps(config), stdout=PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        for _ in range(commits):
            assert await asyncio.wait_for(process.stdout.readline(), 60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
