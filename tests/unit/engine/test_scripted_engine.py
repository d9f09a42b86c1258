"""The scripted engine keeps the promises of the port, or tests above it prove nothing."""

import asyncio

import pytest

from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import (
    BootStage,
    BootStatus,
    ChatDelta,
    ChatRequest,
    NewVectorStore,
)
from lightspeed_core.errors import Conflict, EngineFailed, EngineUnavailable, NotFound
from tests.support.scripted_engine import (
    ACCEPTED,
    DEFAULT_MODEL,
    ScriptedEngine,
    breaks,
    calls,
    refuses,
    says,
    store_info,
)


def question(text: str = "hello", model: str = DEFAULT_MODEL) -> ChatRequest:
    return ChatRequest(model=model, messages=(Message(role=Role.USER, content=text),))


async def deltas(engine: Engine, request: ChatRequest) -> list[ChatDelta]:
    return [delta async for delta in engine.chat(request)]


async def test_an_answer_opens_with_an_empty_delta_and_closes_with_the_usage():
    engine = ScriptedEngine().will(says("Hello ", "there"))
    got = await deltas(engine, question())
    assert got[0] == ACCEPTED
    assert [token for delta in got for token in delta.tokens] == ["Hello ", "there"]
    assert got[-1].finish_reason == "stop"
    assert got[-1].usage is not None


async def test_without_a_script_the_question_is_echoed():
    got = await deltas(ScriptedEngine(), question("one two"))
    assert "".join(token for delta in got for token in delta.tokens) == "echo: one two"


async def test_a_gate_after_acceptance_holds_the_text_back():
    gate = asyncio.Event()
    engine = ScriptedEngine().will([ACCEPTED, gate, *says("late")])
    stream = engine.chat(question())
    assert await anext(aiter(stream)) == ACCEPTED
    following = asyncio.ensure_future(anext(aiter(stream)))
    await asyncio.sleep(0)
    assert not following.done()
    gate.set()
    assert (await following).tokens == ("late",)


async def test_tool_calls_come_whole_with_the_last_delta():
    call = ToolCall(id="call_1", name="lookup", arguments={"q": "x"})
    got = await deltas(ScriptedEngine().will(calls(call)), question())
    assert got == [ACCEPTED, got[-1]]
    assert got[-1].tool_calls == (call,)


async def test_a_refusal_comes_before_acceptance_and_a_break_after_it():
    engine = ScriptedEngine().will(
        refuses(EngineUnavailable("refused")), breaks(EngineFailed("cut"), "He")
    )
    with pytest.raises(EngineUnavailable):
        await anext(aiter(engine.chat(question())))
    stream = aiter(engine.chat(question()))
    assert await anext(stream) == ACCEPTED
    assert (await anext(stream)).tokens == ("He",)
    with pytest.raises(EngineFailed):
        await anext(stream)
    assert engine.ended == 2


async def test_unknown_things_are_not_found():
    engine = ScriptedEngine()
    with pytest.raises(NotFound):
        await deltas(engine, question(model="scripted/none"))
    with pytest.raises(NotFound):
        await engine.search("none", "x", limit=1)
    with pytest.raises(NotFound):
        await engine.run_shield("none", question().messages)


async def test_a_search_finds_the_chunk_with_most_of_the_words():
    engine = ScriptedEngine()
    engine.add_store(store_info("docs"))
    document = SourceDocument(
        document_id="d1", text="red apple. green pear.", content_hash="h1", title="Fruit"
    )
    chunks = [
        Chunk(chunk_id="c1", document_id="d1", content="red apple.", start=0, end=10),
        Chunk(chunk_id="c2", document_id="d1", content="green pear.", start=11, end=22),
    ]
    await engine.insert_document("docs", document, chunks)
    found = await engine.search("docs", "a green pear", limit=5)
    assert [chunk.chunk_id for chunk in found] == ["c2"]
    assert (await engine.documents("docs"))[0].pending == 2


async def test_a_shield_blocks_its_words_alone():
    engine = ScriptedEngine()
    engine.add_shield("input_words", "bomb", text="No.")
    assert (await engine.run_shield("input_words", question("a bomb").messages)).text == "No."
    assert not (await engine.run_shield("input_words", question("a cake").messages)).blocked


async def test_an_engine_that_has_not_booted_is_unavailable():
    engine = ScriptedEngine(boot=BootStatus(stage=BootStage.IMPORTING))
    with pytest.raises(EngineUnavailable):
        await engine.models()


async def test_stores_are_made_changed_replaced_and_removed():
    engine = ScriptedEngine()
    for store_id, text in (("now", "old oak"), ("next", "new oak")):
        await engine.create_vector_store(NewVectorStore(name=store_id, store_id=store_id))
        source = SourceDocument(document_id="d", text=text, content_hash=text, title="T")
        chunk = Chunk(chunk_id="c", document_id="d", content=text, start=0, end=len(text))
        await engine.insert_document(store_id, source, [chunk])
    with pytest.raises(Conflict):
        await engine.create_vector_store(NewVectorStore(name="now", store_id="now"))
    state = await engine.update_vector_store("now", name="Now", metadata={"k": "v"}, expires_at=9)
    assert (state.name, state.metadata, state.expires_at) == ("Now", {"k": "v"}, 9)
    await engine.replace_vector_store("now", by="next")
    assert [each.content for each in await engine.document_chunks("now", "d")] == ["new oak"]
    assert (await engine.source_document("now", "d")).text == "new oak"
    assert (await engine.vector_store("now")).name == "Now"
    assert [each.store_id for each in await engine.vector_stores()] == ["now"]
    assert await engine.delete_vector_store("now")
    assert not await engine.delete_vector_store("now")
    with pytest.raises(NotFound):
        await engine.document_chunks("now", "d")
