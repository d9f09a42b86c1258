"""Measures the hybrid store with 100,000 chunks: searches, insertions, starts and ingestion.

Everything is measured in turn with what it is compared to, round by round, in one run.
"""

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

from llama_stack_api import Api, InsertChunksRequest, QueryChunksRequest, VectorStore

from lightspeed_stack_providers.faiss_hybrid import (
    FaissHybrid,
    FaissHybridConfig,
    get_provider_impl,
)
from tests.bench.bare_search import REMAINDER, BareVectors, BareWords
from tests.bench.ingesting import Ingesting, measure_ingesting
from tests.bench.store_data import DIMENSION, MODEL, SHARES, Sample, make_sample
from tests.bench.store_starts import StoreStarts, measure_store_starts

CHUNKS: Final = 100_000
BATCH: Final = 1_000
QUESTIONS: Final = 120
OURS: Final = "store"
BY_VECTOR: Final = "faiss"
BY_WORDS: Final = "tantivy"
STORE: Final = "synthetic"
_STARTS: Final = 2

type Asked = Mapping[tuple[str, int | None], Sequence[float]]
"""Seconds by who was asked, and by the filter: it keeps one chunk in so many, None keeps all."""


@dataclass(frozen=True)
class Growing:
    """Seconds of a thousand chunks in an empty store and in the full one, one pair a round.

    `found` are those of the first search after each, which takes them into the indexes.
    """

    inserted: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    found: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])


@dataclass(frozen=True)
class InProcess:
    """Seconds of what was done in this process: `filled` by batch, `searches` by round."""

    filled: Sequence[float]
    first_search: float
    first_filtered: float
    searches: Sequence[Asked]
    growing: Growing


@dataclass(frozen=True)
class StoreFigures:
    """A store in this process, services with and without it, and one that ingests."""

    store: InProcess
    starts: StoreStarts
    ingesting: Ingesting


def measure_stores(folder: Path, rounds: int) -> StoreFigures:
    """Fill a store, measure it in this process, and then services that have it."""
    data = folder / "filled"
    data.mkdir(parents=True)
    _say("words and vectors are made")
    sample = make_sample(CHUNKS + rounds * BATCH, QUESTIONS)
    store = asyncio.run(_measure_store(data / "knowledge.db", sample, rounds))
    del sample
    _say("services are started")
    starts = measure_store_starts(folder / "empty", data, min(rounds, _STARTS))
    _say("documents are ingested while answers are streamed")
    return StoreFigures(store, starts, measure_ingesting(folder / "ingesting"))


@asynccontextmanager
async def _opened(path: Path) -> AsyncGenerator[FaissHybrid]:
    # Every question comes with its vector, so that nobody is asked to embed one.
    nobody: Any = None
    provider = await get_provider_impl(FaissHybridConfig(db_path=path), {Api.inference: nobody})
    try:
        await provider.register_vector_store(
            VectorStore(
                identifier=STORE,
                provider_id="bench",
                embedding_model=MODEL,
                embedding_dimension=DIMENSION,
            )
        )
        yield provider
    finally:
        await provider.shutdown()


async def _measure_store(path: Path, sample: Sample, rounds: int) -> InProcess:
    async with _opened(path) as provider:
        _say(f"{CHUNKS:,} chunks are inserted")
        filled = [await _insert(provider, sample, start) for start in range(0, CHUNKS, BATCH)]
        _say("indexes are built")
        first_search = await _search(provider, sample, 0, None)
        first_filtered = await _search(provider, sample, 0, SHARES[-1])
        searches = await _measure_searches(provider, sample, rounds)
        growing = await _measure_growing(provider, path.parent, sample, rounds)
    return InProcess(filled, first_search, first_filtered, searches, growing)


async def _measure_searches(provider: FaissHybrid, sample: Sample, rounds: int) -> Sequence[Asked]:
    bare = {BY_VECTOR: BareVectors(sample, CHUNKS), BY_WORDS: BareWords(sample, CHUNKS)}
    for share in SHARES:
        await _search(provider, sample, 0, share)
    results: list[Asked] = []
    for number in range(1, rounds + 1):
        taken: defaultdict[tuple[str, int | None], list[float]] = defaultdict(list)
        for question, share in product(range(QUESTIONS), (None, *SHARES)):
            taken[OURS, share].append(await _search(provider, sample, question, share))
            for name, library in bare.items():
                began = time.perf_counter()
                library.search(question, share)
                taken[name, share].append(time.perf_counter() - began)
        results.append(taken)
        _say(f"searches: round {number} of {rounds}")
    return results


async def _measure_growing(full: FaissHybrid, folder: Path, sample: Sample, rounds: int) -> Growing:
    growing = Growing()
    for number in range(rounds):
        path = folder / f"fresh-{number}.db"
        async with _opened(path) as fresh:
            first = await _insert(fresh, sample, number * BATCH)
            following = await _insert(full, sample, CHUNKS + number * BATCH)
            growing.inserted.append((first, following))
            found = [await _search(provider, sample, 0, None) for provider in (fresh, full)]
            growing.found.append((found[0], found[1]))
        path.unlink()
    return growing


async def _insert(provider: FaissHybrid, sample: Sample, start: int) -> float:
    chunks = [sample.chunk(number) for number in range(start, start + BATCH)]
    began = time.perf_counter()
    await provider.insert_chunks(InsertChunksRequest(vector_store_id=STORE, chunks=chunks))
    return time.perf_counter() - began


async def _search(provider: FaissHybrid, sample: Sample, number: int, share: int | None) -> float:
    params: dict[str, Any] = {"max_chunks": 10, "embedding": sample.asked[number].tolist()}
    if share is not None:
        params["filters"] = {"type": "eq", "key": f"one_in_{share}", "value": REMAINDER}
    request = QueryChunksRequest(
        vector_store_id=STORE, query=sample.questions[number], params=params
    )
    began = time.perf_counter()
    await provider.query_chunks(request)
    return time.perf_counter() - began


def _say(text: str) -> None:
    print(f"stores: {text}", file=sys.stderr)
