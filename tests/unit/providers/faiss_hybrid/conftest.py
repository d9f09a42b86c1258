"""A store on a fresh file, and the embedder that it asks."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from lightspeed_stack_providers.faiss_hybrid import FaissHybrid
from tests.unit.providers.faiss_hybrid.parts import WordEmbedder, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new-folder" / "knowledge.db"


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
async def provider(path: Path, embedder: WordEmbedder) -> AsyncGenerator[FaissHybrid]:
    async with open_store(path, embedder) as opened:
        yield opened
