"""Turns at the threads: what runs where, in which order, and what is left behind."""

import asyncio
import math
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_stack_providers.onnx_embeddings.embedder import Embedder, slices
from lightspeed_stack_providers.onnx_embeddings.folder import (
    BrokenModel,
    default_model,
    open_folder,
)
from tests.unit.providers.onnx_embeddings.models import write_folder

PARAGRAPH = "The service answers questions from the documents that it was given. " * 12


@pytest.fixture
async def embedder() -> AsyncIterator[Embedder]:
    embedder = Embedder(default_model(), threads=1, batch_size=1)
    yield embedder
    await embedder.close()


def own_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("onnx-embeddings")]


def threads() -> list[str]:
    return [each.name for each in own_threads()]


async def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder):
    texts = ["a much longer text about cats and dogs", "short", PARAGRAPH, "cats"]

    together = await embedder.embed(texts)
    alone = [(await embedder.embed([text])).vectors[0] for text in texts]

    assert together.vectors == alone


async def test_batches_change_nothing_that_counts():
    texts = ["one", "two or three words", "a sentence of a few more words than that"]
    one = Embedder(default_model(), threads=1, batch_size=1)
    three = Embedder(default_model(), threads=1, batch_size=3)

    alone, together = await one.embed(texts), await three.embed(texts)
    await one.close()
    await three.close()

    assert together.tokens == alone.tokens
    for a, b in zip(alone.vectors, together.vectors, strict=True):
        assert math.sumprod(a, b) > 0.99


async def test_nothing_to_embed_costs_nothing(embedder: Embedder):
    assert (await embedder.embed([])).vectors == []
    assert threads() == []


async def test_the_event_loop_goes_on_meanwhile(embedder: Embedder):
    work = asyncio.ensure_future(embedder.embed([PARAGRAPH] * 4))
    turns = 0
    while not work.done():
        turns += 1
        await asyncio.sleep(0.001)

    assert turns > 20
    await work


async def test_a_question_does_not_wait_for_a_document(embedder: Embedder):
    await embedder.embed(["loaded"])
    document = asyncio.ensure_future(embedder.embed([f"{PARAGRAPH}{n}" for n in range(12)]))
    await asyncio.sleep(0)

    await embedder.embed(["How long does a question wait?"])

    assert not document.done()
    await document


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has niceness by thread")
async def test_documents_step_back_for_all_others(embedder: Embedder):
    vectors = (await embedder.embed(["a cat"])).vectors

    assert (await embedder.embed(["a cat"], in_background=True)).vectors == vectors
    niceness = {t.name: os.getpriority(os.PRIO_PROCESS, t.native_id or 0) for t in own_threads()}
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert niceness == {"onnx-embeddings_0": own, "onnx-embeddings-background_0": min(own + 10, 19)}


async def test_a_document_that_comes_first_has_the_model_loaded_in_front(embedder: Embedder):
    await embedder.embed(["a cat"], in_background=True)

    assert sorted(threads()) == ["onnx-embeddings-background_0", "onnx-embeddings_0"]


async def test_concurrent_calls_each_get_their_own(embedder: Embedder):
    texts = [f"text number {n}" for n in range(8)]

    together = await asyncio.gather(*(embedder.embed([text]) for text in texts))

    assert [e.vectors[0] for e in together] == (await embedder.embed(texts)).vectors


async def test_a_cancelled_call_leaves_the_embedder_usable(embedder: Embedder):
    document = asyncio.ensure_future(embedder.embed([PARAGRAPH] * 8))
    await asyncio.sleep(0.01)
    document.cancel()
    with pytest.raises(asyncio.CancelledError):
        await document

    assert len((await embedder.embed(["still there"])).vectors) == 1


async def test_closing_leaves_no_thread():
    embedder = Embedder(default_model(), threads=1, batch_size=1)
    await embedder.embed(["one"])
    assert len(threads()) == 1

    await embedder.close()

    assert threads() == []


async def test_closing_ends_a_call_under_way():
    embedder = Embedder(default_model(), threads=1, batch_size=1)
    document = asyncio.ensure_future(embedder.embed([PARAGRAPH] * 20))
    await asyncio.sleep(0)

    await embedder.close()
    await embedder.close()

    with pytest.raises(RuntimeError, match=r"shut ?down"):
        await document
    assert threads() == []


async def test_a_model_that_cannot_be_loaded_says_why_each_time(tmp_path: Path):
    folder = write_folder(tmp_path / "mine", model_sha256="0" * 64)
    embedder = Embedder(open_folder(folder), threads=1, batch_size=1)
    assert embedder.failure is None

    for _ in range(2):
        with pytest.raises(BrokenModel, match="SHA-256"):
            await embedder.embed(["one"])
    await embedder.close()

    assert "SHA-256" in (embedder.failure or "")


@given(st.lists(st.text(max_size=2000), max_size=30))
def test_every_text_is_in_one_slice(texts: list[str]):
    cut = slices(texts)

    assert sorted(index for indices in cut for index in indices) == list(range(len(texts)))
    for indices in cut:
        assert len(indices) == 1 or sum(len(texts[i]) for i in indices) <= 1200
