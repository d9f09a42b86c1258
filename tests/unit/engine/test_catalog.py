"""What is listed, in which order, and what is left out."""

import pytest

from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.engine.llama_stack import catalog, embeddings
from lightspeed_core.engine.llama_stack.safety import DEFAULT_REFUSAL, run_shield
from lightspeed_core.engine.llama_stack.settings import Reliance, Resource
from lightspeed_core.engine.llama_stack.verify import verify
from lightspeed_core.engine.types import EmbeddingPurpose
from lightspeed_core.errors import ConfigurationError, EngineFailed, NotFound
from tests.support.memory_stack import MemoryStack, model, provider, store

HELLO = (Message(role=Role.USER, content="hello"),)


def shield(identifier: str, provider_id: str) -> dict[str, object]:
    return {
        "identifier": identifier,
        "provider_id": provider_id,
        "provider_resource_id": None,
        "params": None,
    }


def full_stack() -> MemoryStack:
    return MemoryStack(
        listed_models=[model("b/two"), model("gone/stale"), model("a/one"), model("b/three")],
        listed_providers=[
            provider("a", "remote::x"),
            provider("b", "inline::onnx_embeddings"),
            provider("rules", "inline::rules", "safety"),
            provider("db", "inline::faiss", "vector_io"),
        ],
        listed_shields=[shield("input_rules", "rules"), shield("stale", "gone")],
        listed_stores=[store("docs", "db")],
    )


async def test_models_stand_in_the_order_of_their_providers_and_stale_ones_are_left_out():
    listed = await catalog.models(full_stack())
    assert [each.identifier for each in listed] == ["a/one", "b/two", "b/three"]


async def test_a_shield_of_an_absent_provider_is_left_out():
    (listed,) = await catalog.shields(full_stack())
    assert (listed.identifier, listed.provider_resource_id) == ("input_rules", "input_rules")


async def test_credentials_inside_an_address_are_masked():
    stack = full_stack()
    config = {"url": "postgresql://me:secret@db/x", "list": ["http://u:p@h"], "port": 5}
    stack.listed_providers = [{**provider("pg", "remote::pgvector", "vector_io"), "config": config}]
    (listed,) = await catalog.providers(stack)
    assert listed.config == {
        "url": "postgresql://********@db/x",
        "list": ["http://********@h"],
        "port": 5,
    }


async def test_what_is_relied_on_and_missing_is_named_with_its_place():
    relies_on = [
        Reliance(resource=Resource.MODEL, name="a/one", place="here"),
        Reliance(resource=Resource.MODEL, name="gone/stale", place="inference.default_model"),
        Reliance(resource=Resource.SHIELD, name="input_none", place="shields[0]"),
        Reliance(resource=Resource.VECTOR_STORE, name="kb", place="rag.stores[0]"),
    ]
    with pytest.raises(ConfigurationError) as raised:
        await verify(full_stack(), relies_on)
    first, second, third = raised.value.cause.splitlines()
    assert first.startswith("inference.default_model: Llama Stack lists no model 'gone/stale'")
    assert "it lists a/one, b/two, b/three" in first
    assert second == ("shields[0]: Llama Stack lists no shield 'input_none'; it lists input_rules")
    assert "rag.stores[0]" in third
    await verify(full_stack(), relies_on[:1])


async def test_only_a_provider_that_knows_it_is_told_the_purpose():
    stack = full_stack()
    stack.listed_models = [model("a/emb", "embedding"), model("b/emb", "embedding")]
    for name in ("a/emb", "b/emb"):
        await embeddings.embed(stack, ["x"], model=name, purpose=EmbeddingPurpose.QUERY)
    (_, plain), (_, aware) = stack.asked
    assert plain == {"model": "a/emb", "input": ["x"]}
    told = {"input_type": "query", "in_background": False}
    assert aware == {"model": "b/emb", "input": ["x"], **told}


async def test_long_lists_of_texts_are_embedded_in_batches():
    stack = full_stack()
    stack.listed_models = [model("a/emb", "embedding")]
    texts = ["x"] * (embeddings.LARGEST_BATCH + 1)
    vectors = await embeddings.embed(stack, texts, model="a/emb", purpose=EmbeddingPurpose.PASSAGE)
    assert len(vectors) == len(texts)
    assert [len(body["input"]) for _, body in stack.asked] == [embeddings.LARGEST_BATCH, 1]


async def test_a_violation_blocks_with_the_text_of_the_shield():
    stack = full_stack()
    assert not (await run_shield(stack, "input_rules", HELLO)).blocked
    stack.violation = {"violation_level": "error", "user_message": "No.", "metadata": {"a": 1}}
    verdict = await run_shield(stack, "input_rules", HELLO)
    assert (verdict.blocked, verdict.text) == (True, "No.")
    assert verdict.metadata == {"a": 1, "violation_level": "error"}
    stack.violation = {"violation_level": "error", "user_message": None, "metadata": None}
    assert (await run_shield(stack, "input_rules", HELLO)).text == DEFAULT_REFUSAL


async def test_a_warning_of_a_shield_does_not_block():
    stack = full_stack()
    stack.violation = {"violation_level": "warn", "user_message": "Hm.", "metadata": {}}
    verdict = await run_shield(stack, "input_rules", HELLO)
    assert (verdict.blocked, verdict.text) == (False, "")


async def test_an_unknown_shield_is_not_run():
    stack = full_stack()
    with pytest.raises(NotFound):
        await run_shield(stack, "none", HELLO)
    assert stack.asked == []


@pytest.mark.requirement("shield.warn")
async def test_a_warning_with_a_rewritten_text_rewrites():
    stack = full_stack()
    metadata = {"rewritten": "Who is [NAME]?", "restore": {"[NAME]": "Ada"}, "rule": "names"}
    stack.violation = {"violation_level": "warn", "user_message": None, "metadata": metadata}

    verdict = await run_shield(stack, "input_rules", HELLO)

    assert (verdict.blocked, verdict.rewritten) == (False, "Who is [NAME]?")
    assert verdict.restore == {"[NAME]": "Ada"}
    assert verdict.metadata == {"rule": "names", "violation_level": "warn"}


@pytest.mark.attack(52)
@pytest.mark.parametrize(
    "violation",
    [
        {"violation_level": "banana"},
        {"violation_level": "error", "user_message": 7},
        {"violation_level": "error", "metadata": ["x"]},
        {"violation_level": "warn", "metadata": {"rewritten": 7}},
        {"violation_level": "warn", "metadata": {"rewritten": "x", "restore": {"a": 1}}},
        {"violation_level": "warn", "metadata": {"rewritten": "x", "restore": ["a"]}},
    ],
)
async def test_a_violation_that_means_nothing_is_a_failure(violation: dict[str, object]):
    stack = full_stack()
    stack.violation = violation
    with pytest.raises(EngineFailed):
        await run_shield(stack, "input_rules", HELLO)


@pytest.mark.parametrize(
    ("kind", "may_rewrite"),
    [("inline::llama-guard", False), ("inline::redaction", True), ("remote::mine", True)],
)
async def test_what_is_known_only_to_check_does_not_rewrite(kind: str, may_rewrite: bool):
    stack = full_stack()
    stack.listed_providers = [provider("rules", kind, "safety")]
    (listed,) = await catalog.shields(stack)
    assert listed.may_rewrite is may_rewrite
