"""One suite over both ways to reach Llama Stack: in this process and as a server."""

import asyncio
import gc
import hashlib
import warnings
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from lightspeed_core.constants import MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.retrieval import Chunk, PageSpan, SourceDocument, SourceFile
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolSpec
from lightspeed_core.engine.llama_stack.settings import EngineSettings, Reliance, Resource
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import (
    UNFINISHED_SUFFIX,
    BootStage,
    ChatDelta,
    ChatRequest,
    EmbeddingPurpose,
    EmbeddingReach,
    NewVectorStore,
    SearchMode,
    StoredDocument,
)
from lightspeed_core.errors import (
    Conflict,
    EngineFailed,
    EngineUnavailable,
    InvalidRequest,
    LightspeedError,
    NotFound,
    PromptTooLong,
    QuotaExceeded,
)
from tests.support.engines import (
    EMBEDDING_MODEL,
    GUARD,
    HYBRID_STORE,
    LEAN_MODEL,
    PLAIN_STORE,
    SDK_MODEL,
    environment,
    stack_server,
    started_engine,
    stub_environment,
    write_run_yaml,
)
from tests.support.stub_llm import StubLLM, stub_llm

RELIES_ON = tuple(
    Reliance(resource=resource, name=name, place="test")
    for resource, name in (
        (Resource.MODEL, LEAN_MODEL),
        (Resource.SHIELD, GUARD),
        (Resource.VECTOR_STORE, PLAIN_STORE),
    )
)
WEATHER = ToolSpec(name="weather", description="Tells the weather.", parameters={"type": "object"})
BOTH_STREAMS = pytest.mark.parametrize("model", [LEAN_MODEL, SDK_MODEL])
# Llama Stack reads it as a number, and its own server does not start with it.
KEY_OF_DIGITS = "0123"
pytestmark = [
    pytest.mark.requirement("engine.port"),
    pytest.mark.requirement("stack.server"),
    # What Llama Stack itself warns of while it is imported is not ours to mend.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(autouse=True)
async def nothing_left_over() -> AsyncGenerator[None]:
    """Collect the clients that Llama Stack's own SDK provider makes per call and never closes."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def stub() -> Iterator[StubLLM]:
    with stub_llm() as running:
        yield running


@pytest.fixture(scope="module")
def run_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_yaml(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
async def in_process(
    stub: StubLLM, run_yaml: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Engine]:
    settings = EngineSettings(
        run_config=run_yaml, data_dir=tmp_path_factory.mktemp("data"), relies_on=RELIES_ON
    )
    with environment(**stub_environment(stub, key=KEY_OF_DIGITS)):
        async with started_engine(settings) as engine:
            yield engine


@pytest.fixture(scope="module")
def server(
    stub: StubLLM, run_yaml: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with stack_server(run_yaml, tmp_path_factory.mktemp("served"), stub_environment(stub)) as url:
        yield url


@pytest.fixture(scope="module")
async def remote(server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Engine]:
    settings = EngineSettings(
        library_mode=False,
        url=server,
        data_dir=tmp_path_factory.mktemp("unused"),
        relies_on=RELIES_ON,
    )
    async with started_engine(settings) as engine:
        yield engine


@pytest.fixture(scope="module", params=["in_process", "remote"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.getfixturevalue(request.param)


def question(text: str, model: str = LEAN_MODEL, *tools: ToolSpec) -> ChatRequest:
    return ChatRequest(model=model, messages=(Message(role=Role.USER, content=text),), tools=tools)


async def answer(engine: Engine, request: ChatRequest) -> list[ChatDelta]:
    return [delta async for delta in engine.chat(request)]


def text_of(deltas: list[ChatDelta]) -> str:
    return "".join(token for delta in deltas for token in delta.tokens)


def document(
    name: str, text: str, *, url: str | None = None, source: str | None = None
) -> SourceDocument:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return SourceDocument(
        document_id=name, text=text, content_hash=digest, title=name.title(), url=url, source=source
    )


async def chunks_of(engine: Engine, source: SourceDocument, *, embedded: bool) -> list[Chunk]:
    """Cut a document into its sentences."""
    chunks: list[Chunk] = []
    start = 0
    for sentence in source.text.split(". "):
        end = start + len(sentence)
        vector = None
        if embedded:
            purpose = EmbeddingPurpose.PASSAGE
            (vector,) = await engine.embed([sentence], model=EMBEDDING_MODEL, purpose=purpose)
        chunks.append(
            Chunk(
                chunk_id=f"{source.document_id}-{start}",
                document_id=source.document_id,
                content=sentence,
                start=start,
                end=end,
                vector=vector,
            )
        )
        start = end + 2
    return chunks


async def stored_document(engine: Engine, name: str) -> StoredDocument:
    listed = await engine.documents(HYBRID_STORE)
    return next(each for each in listed if each.document_id == name)


async def test_a_started_engine_is_ready(engine: Engine):
    assert engine.status().stage is BootStage.READY
    assert await engine.version() == MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION


async def test_models_are_listed_in_the_order_of_the_providers(engine: Engine):
    models = await engine.models()
    providers = list(dict.fromkeys(model.provider_id for model in models))
    assert providers == ["openai", "sdk", "onnx", "extractive"]
    first = models[0]
    assert (first.identifier, first.model_type) == (LEAN_MODEL, "llm")
    assert first.provider_resource_id == "fake-llm"
    (embedding,) = [model for model in models if model.identifier == EMBEDDING_MODEL]
    assert embedding.metadata["embedding_dimension"] == 384


async def test_providers_are_listed_without_their_secrets(engine: Engine):
    providers = await engine.providers()
    by_id = {provider.provider_id: provider for provider in providers}
    assert "vllm" not in by_id
    assert by_id["openai"].provider_type == "remote::openai_compatible"
    assert by_id["openai"].api == "inference"
    assert KEY_OF_DIGITS not in str(providers)
    assert "key-of-the-stub" not in str(providers)


async def test_shields_and_stores_are_listed(engine: Engine):
    (shield,) = await engine.shields()
    assert (shield.identifier, shield.provider_id) == (GUARD, "guard")
    assert shield.provider_resource_id == "sdk/fake-guard"
    stores = {store.store_id: store for store in await engine.vector_stores()}
    assert set(stores) == {HYBRID_STORE, PLAIN_STORE}
    hybrid, plain = stores[HYBRID_STORE], stores[PLAIN_STORE]
    assert hybrid.takes_pending_chunks and hybrid.modes == frozenset(SearchMode)
    assert not plain.takes_pending_chunks and plain.modes == {SearchMode.VECTOR}
    assert hybrid.embedding_model == plain.embedding_model == EMBEDDING_MODEL
    assert hybrid.embedding_dimension == 384


async def test_a_store_tells_of_itself(engine: Engine):
    for store_id in (HYBRID_STORE, PLAIN_STORE):
        state = await engine.vector_store(store_id)
        assert state.store_id == store_id
        assert state.name
        assert state.created_at > 1_700_000_000
        assert state.status == "completed"


async def test_every_provider_is_asked_for_its_health(engine: Engine):
    health = {each.provider_id: each for each in await engine.health()}
    assert {"openai", "onnx", "extractive", "faiss_hybrid", "faiss", "guard"} <= set(health)
    assert all(each.is_healthy for each in health.values())


@BOTH_STREAMS
async def test_an_answer_opens_empty_and_closes_with_reason_and_usage(engine: Engine, model: str):
    deltas = await answer(engine, question("hello there", model))
    assert deltas[0] == ChatDelta()
    assert text_of(deltas) == "You asked: hello there"
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.output_tokens == 4
    assert all(delta.finish_reason is None for delta in deltas[:-1])


@BOTH_STREAMS
async def test_the_whole_request_reaches_the_model(engine: Engine, stub: StubLLM, model: str):
    stub.clear()
    call = ToolCall(id="call_9", name="weather", arguments={"city": "Brno"})
    image = "data:image/png;base64,aGk="
    request = ChatRequest(
        model=model,
        messages=(
            Message(role=Role.SYSTEM, content="Be brief."),
            Message(role=Role.USER, content="look", images=(image,)),
            Message(role=Role.ASSISTANT, content="", tool_calls=(call,)),
            Message(role=Role.TOOL, content="sunny", tool_call_id="call_9"),
        ),
        tools=(WEATHER,),
        temperature=0.5,
        max_tokens=77,
    )
    assert text_of(await answer(engine, request)) == "Tool said: sunny"
    body = stub.requests()[-1]["body"]
    system, user, assistant, tool = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"][0] == {"type": "text", "text": "look"}
    assert user["content"][1]["image_url"]["url"] == image
    assert assistant["tool_calls"][0]["function"]["arguments"] == '{"city":"Brno"}'
    assert (tool["tool_call_id"], tool["content"]) == ("call_9", "sunny")
    assert body["tools"][0]["function"]["name"] == "weather"
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("fake-llm", 0.5, 77)


@BOTH_STREAMS
async def test_tool_calls_come_whole_with_the_last_delta(engine: Engine, model: str):
    asked = '[[tool=weather {"city": "Brno"}]] [[tool=weather {"city": "Oslo"}]]'
    deltas = await answer(engine, question(asked, model, WEATHER))
    first, second = deltas[-1].tool_calls
    assert (first.name, dict(first.arguments)) == ("weather", {"city": "Brno"})
    assert dict(second.arguments) == {"city": "Oslo"}
    assert first.id != second.id
    assert deltas[-1].finish_reason == "tool_calls"
    assert not any(delta.tool_calls for delta in deltas[:-1])


@BOTH_STREAMS
async def test_arguments_that_are_no_json_are_kept_as_text(engine: Engine, model: str):
    deltas = await answer(engine, question("[[tool=weather {city: Brno]]", model, WEATHER))
    (call,) = deltas[-1].tool_calls
    assert dict(call.arguments) == {UNPARSED_ARGUMENTS: "{city: Brno"}


@BOTH_STREAMS
@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("[[context]]", PromptTooLong),
        ("[[status=429 retry-after=0]]", QuotaExceeded),
        ("[[status=401]]", EngineUnavailable),
        ("[[status=503]]", EngineUnavailable),
        ("[[status=422]]", EngineFailed),
    ],
)
async def test_a_refusal_before_the_answer_is_named_by_its_cause(
    engine: Engine, model: str, directive: str, error: type[LightspeedError]
):
    with pytest.raises(error) as raised:
        await anext(aiter(engine.chat(question(directive, model))))
    assert raised.value.__cause__ is not None
    assert KEY_OF_DIGITS not in str(raised.value)


async def test_an_answer_that_is_cut_fails_after_what_was_said(engine: Engine):
    stream = engine.chat(question("[[tokens=9]] [[delay=30]] [[cut=3]]"))
    said = ""
    with pytest.raises((EngineFailed, EngineUnavailable)):
        async for delta in stream:
            said += text_of([delta])
    assert said == "w0 w1 w2 "


async def test_a_rate_limit_tells_how_long_it_lasts(in_process: Engine):
    with pytest.raises(QuotaExceeded) as raised:
        await answer(in_process, question("[[status=429 retry-after=60]]"))
    assert raised.value.retry_after == 60


async def test_an_unknown_model_is_not_found_and_nothing_is_called(engine: Engine, stub: StubLLM):
    stub.clear()
    for model in ("openai/none", "nobody/none", "none", EMBEDDING_MODEL):
        with pytest.raises(NotFound) as raised:
            await answer(engine, question("hi", model))
        assert raised.value.resource_id == model
    assert stub.requests() == []


@BOTH_STREAMS
async def test_closing_the_iterator_ends_the_call_upstream(
    engine: Engine, stub: StubLLM, model: str
):
    stub.clear()
    async with aclosing(engine.chat(question("[[tokens=500]] [[delay=20]]", model))) as stream:
        async for delta in stream:
            if delta.tokens:
                break
    # In a thread, for the loop has yet to close the connection.
    assert await asyncio.to_thread(stub.wait_for, "disconnects", 1) == 1
    assert stub.stats().get("streams", 0) == 0


async def test_texts_are_embedded_in_their_order(engine: Engine):
    purpose = EmbeddingPurpose.QUERY
    texts = ["a red apple", "a green pear"]
    both = await engine.embed(texts, model=EMBEDDING_MODEL, purpose=purpose)
    (second,) = await engine.embed(texts[1:], model=EMBEDDING_MODEL, purpose=purpose)
    assert [len(vector) for vector in both] == [384, 384]
    assert both[1] == pytest.approx(second, abs=1e-5)
    assert both[0] != pytest.approx(second, abs=1e-2)
    assert await engine.embed([], model=EMBEDDING_MODEL, purpose=purpose) == []


async def test_how_far_a_model_reads_is_counted_where_its_tokenizer_is(
    in_process: Engine, remote: Engine
):
    inside = await in_process.embedding_reach(EMBEDDING_MODEL)
    assert inside.tokens == 254
    assert inside.count is not None
    assert inside.count("two words") == 2
    outside = await remote.embedding_reach(EMBEDDING_MODEL)
    assert (outside.tokens, outside.count) == (256, None)
    assert await in_process.embedding_reach(LEAN_MODEL) == EmbeddingReach()
    assert await in_process.embedding_reach("onnx/none") == EmbeddingReach()


async def test_a_model_that_does_not_embed_is_not_found(engine: Engine):
    for model in ("onnx/none", LEAN_MODEL):
        with pytest.raises(NotFound):
            await engine.embed(["x"], model=model, purpose=EmbeddingPurpose.QUERY)


async def test_a_shield_blocks_what_its_model_calls_unsafe(engine: Engine):
    clean = await engine.run_shield(GUARD, (Message(role=Role.USER, content="a cake"),))
    assert not clean.blocked
    bad = await engine.run_shield(GUARD, (Message(role=Role.USER, content="a bomb"),))
    assert bad.blocked
    assert bad.text
    assert bad.metadata["violation_type"] == "S1"


async def test_an_unknown_shield_is_not_found(engine: Engine):
    with pytest.raises(NotFound):
        await engine.run_shield("none", (Message(role=Role.USER, content="x"),))


async def test_a_document_is_found_with_its_place_in_the_source(
    engine: Engine, request: pytest.FixtureRequest
):
    name = f"fruit-{request.node.callspec.id}"
    source = document(
        name,
        "The quince is yellow. A medlar is eaten when soft",
        url="https://example.com/fruit",
        source="Orchard",
    )
    await engine.insert_document(
        HYBRID_STORE, source, await chunks_of(engine, source, embedded=True)
    )
    for mode in (None, *SearchMode):
        found = await engine.search(HYBRID_STORE, "soft medlar", limit=1, mode=mode)
        (best,) = found
        assert best.content == "A medlar is eaten when soft"
        assert source.text[best.start : best.end] == best.content
        assert (best.document_id, best.content_hash) == (name, source.content_hash)
        assert (best.title, best.url, best.source) == (source.title, source.url, "Orchard")
        assert best.store_id == HYBRID_STORE
        assert best.score is not None
        assert 0 <= best.score <= 1
        assert "source_text" not in best.attributes
    await engine.delete_document(HYBRID_STORE, name)
    await engine.delete_document(HYBRID_STORE, name)
    assert not await engine.search(HYBRID_STORE, "soft medlar", limit=1, mode=SearchMode.KEYWORD)


async def test_a_newer_version_of_a_document_replaces_the_older(engine: Engine):
    older = document("tale", "The fox is old. The crow is black")
    newer = document("tale", "The fox is new")
    await engine.insert_document(HYBRID_STORE, older, await chunks_of(engine, older, embedded=True))
    await engine.insert_document(HYBRID_STORE, newer, await chunks_of(engine, newer, embedded=True))
    (stored,) = [
        each for each in await engine.documents(HYBRID_STORE) if each.document_id == "tale"
    ]
    assert (stored.content_hash, stored.chunks, stored.pending) == (newer.content_hash, 1, 0)
    await engine.delete_document(HYBRID_STORE, "tale")


async def test_one_version_that_is_cut_otherwise_takes_the_place_of_the_older_cut(engine: Engine):
    source = document("ballad", "The fox is red. The crow is black")
    apart = await chunks_of(engine, source, embedded=True)
    await engine.insert_document(HYBRID_STORE, source, apart)
    (vector,) = await engine.embed(
        [source.text], model=EMBEDDING_MODEL, purpose=EmbeddingPurpose.PASSAGE
    )
    joined = replace(apart[0], chunk_id="joined", content=source.text, vector=vector)
    joined = replace(joined, end=len(source.text))
    await engine.insert_document(HYBRID_STORE, source, [joined], is_whole=True)
    found = await engine.search(HYBRID_STORE, "fox", limit=9, filters=only("ballad"))
    assert [each.content for each in found] == [source.text]
    (stored,) = [
        each for each in await engine.documents(HYBRID_STORE) if each.document_id == "ballad"
    ]
    assert (stored.content_hash, stored.chunks, stored.pending) == (source.content_hash, 1, 0)
    await engine.delete_document(HYBRID_STORE, "ballad")


def only(document_id: str) -> dict[str, str]:
    return {"type": "eq", "key": "document_id", "value": document_id}


async def test_a_built_in_store_exchanges_a_document_where_chunks_can_be_deleted(
    in_process: Engine, remote: Engine
):
    async def contents(engine: Engine) -> list[str]:
        found = await engine.search(PLAIN_STORE, "crow", limit=9, filters=only("plain-tale"))
        return sorted(each.content for each in found)

    older = document("plain-tale", "The crow is old. The crow is black")
    newer = document("plain-tale", "The crow is new. The crow is black")
    for engine in (in_process, remote):
        chunks = await chunks_of(engine, older, embedded=True)
        await engine.insert_document(PLAIN_STORE, older, chunks)
        await engine.insert_document(PLAIN_STORE, older, chunks, is_whole=True)
        assert await contents(engine) == ["The crow is black", "The crow is old"]
    chunks = await chunks_of(in_process, newer, embedded=True)
    await in_process.insert_document(PLAIN_STORE, newer, chunks)
    assert await contents(in_process) == ["The crow is black", "The crow is new"]
    with pytest.raises(InvalidRequest, match="no way to delete chunks"):
        await remote.insert_document(PLAIN_STORE, newer, chunks)
    assert await contents(remote) == ["The crow is black", "The crow is old"]
    await in_process.delete_document(PLAIN_STORE, "plain-tale")
    assert await contents(in_process) == []


async def test_pending_chunks_are_found_by_keyword_until_their_vectors_follow(engine: Engine):
    source = document("late", "The zebra waits. The gnu waits too")
    await engine.insert_document(
        HYBRID_STORE, source, await chunks_of(engine, source, embedded=False)
    )
    (stored,) = [
        each for each in await engine.documents(HYBRID_STORE) if each.document_id == "late"
    ]
    assert (stored.chunks, stored.pending) == (2, 2)
    (found,) = await engine.search(HYBRID_STORE, "zebra", limit=3, mode=SearchMode.KEYWORD)
    assert found.content == "The zebra waits"
    await engine.insert_document(
        HYBRID_STORE, source, await chunks_of(engine, source, embedded=True)
    )
    (stored,) = [
        each for each in await engine.documents(HYBRID_STORE) if each.document_id == "late"
    ]
    assert (stored.chunks, stored.pending) == (2, 0)
    await engine.delete_document(HYBRID_STORE, "late")


async def test_a_filter_restricts_the_search(engine: Engine):
    for name, origin in (("inside", "wanted"), ("outside", "unwanted")):
        source = document(name, "The otter swims", source=origin)
        await engine.insert_document(
            HYBRID_STORE, source, await chunks_of(engine, source, embedded=True)
        )
    wanted = {"type": "eq", "key": "source", "value": "wanted"}
    found = await engine.search(HYBRID_STORE, "otter", limit=5, filters=wanted)
    assert {chunk.document_id for chunk in found} == {"inside"}
    for name in ("inside", "outside"):
        await engine.delete_document(HYBRID_STORE, name)


async def test_a_built_in_store_bounds_even_an_exact_match(
    engine: Engine, request: pytest.FixtureRequest
):
    name = f"plain-{request.node.callspec.id}"
    source = document(name, "The heron stands still")
    await engine.insert_document(
        PLAIN_STORE, source, await chunks_of(engine, source, embedded=True)
    )
    found = await engine.search(PLAIN_STORE, "The heron stands still", limit=1)
    assert found[0].score == pytest.approx(1.0, abs=1e-3)
    assert found[0].content == source.text
    assert found[0].source == PLAIN_STORE
    listed = await engine.documents(PLAIN_STORE)
    assert [(each.document_id, each.chunks) for each in listed] == [(name, 1)]


async def test_a_built_in_store_refuses_what_it_cannot_do(engine: Engine):
    source = document("pending", "No vector yet")
    with pytest.raises(InvalidRequest):
        await engine.insert_document(
            PLAIN_STORE, source, await chunks_of(engine, source, embedded=False)
        )
    with pytest.raises(InvalidRequest):
        await engine.search(PLAIN_STORE, "x", limit=1, mode=SearchMode.KEYWORD)


async def test_a_store_is_made_filled_read_changed_and_removed(engine: Engine):
    new = NewVectorStore(name="Herbs", metadata={"team": "garden"})
    made = await engine.create_vector_store(new)
    assert (made.name, made.embedding_model, made.embedding_dimension) == (
        "Herbs",
        EMBEDDING_MODEL,
        384,
    )
    assert made.takes_pending_chunks and made.wanted_model is None
    assert made.store_id in [each.store_id for each in await engine.vector_stores()]
    source = replace(
        document("sage", "Sage is grey. Thyme is green", url="https://example.com/sage"),
        media_type="text/plain",
        language="en",
        pages=(PageSpan(1, 0, 14), PageSpan(2, 14, 28)),
        file=SourceFile(path="/herbs/sage.pdf", size=9, modified_ns=1, digest="ab"),
    )
    (first, second) = await chunks_of(engine, source, embedded=True)
    chunks = [first, replace(second, page=2, attributes={"team": "herbs"})]
    await engine.insert_document(made.store_id, source, chunks, embedding_model=EMBEDDING_MODEL)
    (best,) = await engine.search(made.store_id, "green thyme", limit=1)
    assert best.content == "Thyme is green"

    held = await engine.document_chunks(made.store_id, "sage")
    assert [(each.chunk_id, each.content, each.start, each.end) for each in held] == [
        (each.chunk_id, each.content, each.start, each.end) for each in chunks
    ]
    assert held[0].vector == pytest.approx(chunks[0].vector, abs=1e-5)
    assert [(each.page, each.attributes) for each in held] == [(None, {}), (2, {"team": "herbs"})]
    assert await engine.source_document(made.store_id, "sage") == source
    with pytest.raises(NotFound):
        await engine.document_chunks(made.store_id, "none")
    with pytest.raises(InvalidRequest):
        await engine.document_chunks(PLAIN_STORE, "none")

    state = await engine.update_vector_store(made.store_id, name="Spices", metadata={"n": "1"})
    assert (state.name, state.metadata, state.expires_at) == ("Spices", {"n": "1"}, None)
    state = await engine.update_vector_store(made.store_id, expires_at=1)
    assert (state.name, state.expires_at, state.status) == ("Spices", 1, "expired")
    assert await engine.delete_vector_store(made.store_id)
    assert not await engine.delete_vector_store(made.store_id)
    with pytest.raises(NotFound):
        await engine.search(made.store_id, "sage", limit=1)


async def test_pending_chunks_are_read_back_without_a_vector(engine: Engine):
    source = document("later", "Mint waits. Dill waits")
    chunks = await chunks_of(engine, source, embedded=False)
    await engine.insert_document(HYBRID_STORE, source, chunks)
    assert await engine.document_chunks(HYBRID_STORE, "later") == chunks
    await engine.delete_document(HYBRID_STORE, "later")


@pytest.mark.attack(77)
async def test_vectors_of_another_model_are_refused_with_advice(engine: Engine):
    source = document("foreign", "Foreign vectors")
    chunks = await chunks_of(engine, source, embedded=True)
    with pytest.raises(InvalidRequest, match="index its documents anew"):
        await engine.insert_document(HYBRID_STORE, source, chunks, embedding_model="onnx/other")
    assert await engine.documents(HYBRID_STORE) == []


async def test_a_store_that_cannot_be_made_is_refused(engine: Engine):
    for new, error in (
        (NewVectorStore(name="n", embedding_model="onnx/none"), NotFound),
        (NewVectorStore(name="n", embedding_model=LEAN_MODEL), NotFound),
        (
            NewVectorStore(name="n", embedding_model=EMBEDDING_MODEL, embedding_dimension=5),
            InvalidRequest,
        ),
        (NewVectorStore(name="n", provider_id="none"), InvalidRequest),
    ):
        with pytest.raises(error):
            await engine.create_vector_store(new)


async def test_in_process_a_store_takes_a_wanted_id_and_replaces_another(in_process: Engine):
    new = NewVectorStore(name="Next", store_id="next", provider_id="faiss_hybrid")
    assert (await in_process.create_vector_store(new)).store_id == "next"
    with pytest.raises(Conflict):
        await in_process.create_vector_store(new)
    await in_process.create_vector_store(NewVectorStore(name="Now", store_id="now"))
    for store_id, text in (("now", "An old oak"), ("next", "A new oak")):
        source = document("tree", text)
        chunks = await chunks_of(in_process, source, embedded=True)
        await in_process.insert_document(store_id, source, chunks)
    await in_process.replace_vector_store("now", by="next")
    assert [each.content for each in await in_process.search("now", "oak", limit=5)] == [
        "A new oak"
    ]
    assert (await in_process.vector_store("now")).name == "Now"
    with pytest.raises(NotFound):
        await in_process.vector_store("next")
    with pytest.raises(InvalidRequest):
        await in_process.replace_vector_store("now", by=PLAIN_STORE)
    assert await in_process.delete_vector_store("now")


async def test_a_store_that_is_being_built_is_listed_to_those_alone_who_ask(in_process: Engine):
    begun = await in_process.create_vector_store(
        NewVectorStore(name="n", store_id=f"x{UNFINISHED_SUFFIX}", provider_id="faiss_hybrid")
    )
    assert begun.store_id not in {each.store_id for each in await in_process.vector_stores()}
    assert await in_process.vector_stores(unfinished=True) == [begun]
    assert await in_process.delete_vector_store(begun.store_id)
    assert await in_process.vector_stores(unfinished=True) == []


async def test_a_server_refuses_what_its_interface_lacks(remote: Engine):
    with pytest.raises(InvalidRequest, match="chooses the ids"):
        await remote.create_vector_store(NewVectorStore(name="n", store_id="wanted"))
    made = await remote.create_vector_store(NewVectorStore(name="n"))
    with pytest.raises(InvalidRequest, match="no way to replace"):
        await remote.replace_vector_store(HYBRID_STORE, by=made.store_id)
    assert await remote.delete_vector_store(made.store_id)


async def test_a_built_in_store_is_made_and_removed_too(engine: Engine):
    made = await engine.create_vector_store(NewVectorStore(name="plain", provider_id="faiss"))
    assert (made.provider_id, made.takes_pending_chunks) == ("faiss", False)
    with pytest.raises(InvalidRequest, match="cannot expire"):
        await engine.update_vector_store(made.store_id, expires_at=1)
    assert await engine.delete_vector_store(made.store_id)
    with pytest.raises(NotFound):
        await engine.vector_store(made.store_id)


async def test_an_unknown_store_is_not_found(engine: Engine):
    assert not await engine.delete_vector_store("none")
    with pytest.raises(NotFound):
        await engine.update_vector_store("none", name="x")
    with pytest.raises(NotFound):
        await engine.replace_vector_store("none", by=HYBRID_STORE)
    with pytest.raises(NotFound):
        await engine.document_chunks("none", "x")
    with pytest.raises(NotFound):
        await engine.search("none", "x", limit=1)
    with pytest.raises(NotFound):
        await engine.vector_store("none")
    with pytest.raises(NotFound):
        await engine.documents("none")
    with pytest.raises(NotFound):
        await engine.delete_document("none", "x")


@BOTH_STREAMS
async def test_a_key_of_digits_reaches_the_model_as_it_was_written(
    in_process: Engine, stub: StubLLM, model: str
):
    stub.clear()
    await answer(in_process, question("hi", model))
    assert stub.requests()[-1]["headers"]["authorization"] == f"Bearer {KEY_OF_DIGITS}"


async def test_the_prompts_are_not_written_into_a_database_of_the_stack(
    in_process: Engine, tmp_path_factory: pytest.TempPathFactory
):
    await answer(in_process, question("a very secret question"))
    base = tmp_path_factory.getbasetemp()
    databases = [path for path in base.glob("data*/**/*") if path.is_file()]
    assert databases
    assert not any(b"a very secret question" in path.read_bytes() for path in databases)
