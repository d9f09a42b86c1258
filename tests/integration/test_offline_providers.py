"""The two providers that need no network, inside a real Llama Stack with the network forbidden."""

import math
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from llama_stack_api import Api

from lightspeed_core.assistant.passages import Passages
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_stack_providers.extractive.passages import read_prompt
from tests.support.raw_stack import raw_stack
from tests.unit.providers.extractive.prompts import prompt

MODEL = "onnx/all-MiniLM-L6-v2"
GUIDE = ("Guide", "The service listens on port 8080. Logs go to standard error.")
PARAPHRASE = ("Guide", "The host must have 4 GB of memory. Logs go to standard error.")

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def attempts() -> Generator[list[object]]:
    """Forbid every connection and every look-up of a name, and count the attempts."""
    made: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        made.append(arguments)
        raise PermissionError(f"no network here: {arguments}")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield made


def write_run_yaml(folder: Path) -> Path:
    run_config: dict[str, Any] = {
        "version": 2,
        "distro_name": "offline",
        "apis": ["inference"],
        "providers": {
            "inference": [
                {
                    "provider_id": "onnx",
                    "provider_type": "inline::onnx_embeddings",
                    "module": "lightspeed_stack_providers.onnx_embeddings",
                    "config": {"threads": 1},
                },
                {
                    "provider_id": "extractive",
                    "provider_type": "inline::extractive",
                    "module": "lightspeed_stack_providers.extractive",
                    "config": {},
                },
            ]
        },
        "storage": {
            "backends": {
                "kv_default": {"type": "kv_sqlite", "db_path": str(folder / "kv.db")},
                "sql_default": {"type": "sql_sqlite", "db_path": str(folder / "sql.db")},
            }
        },
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(run_config))
    return path


@pytest.fixture(scope="module")
async def stack(
    attempts: list[object], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Any]:
    async with raw_stack(write_run_yaml(tmp_path_factory.mktemp("stack"))) as client:
        yield client
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("onnx-embeddings", "extractive"))]
    assert attempts == []


async def ask(stack: Any, question: str, *passages: tuple[str, str]) -> str:
    completion = await stack.chat.completions.create(
        model="extractive/quote", messages=prompt(question, *passages)
    )
    return completion.choices[0].message.content


async def test_both_models_are_listed(stack: Any) -> None:
    models = {model.id: model.custom_metadata for model in await stack.models.list()}

    assert models[MODEL]["model_type"] == "embedding"
    assert models[MODEL]["embedding_dimension"] == 384
    assert models[MODEL]["context_length"] == 256
    assert models["extractive/quote"]["model_type"] == "llm"
    assert models["extractive/quote"]["extractive"] is True


async def test_embeddings_know_what_means_the_same(stack: Any) -> None:
    texts = ["How do I restart the server?", "Rebooting the machine", "A recipe for apple pie"]

    response = await stack.embeddings.create(model=MODEL, input=texts)
    server, reboot, pie = (row.embedding for row in response.data)

    assert all(math.isclose(math.hypot(*v), 1, rel_tol=1e-5) for v in (server, reboot, pie))
    assert math.sumprod(server, reboot) > 0.4 > 0.2 > math.sumprod(server, pie)
    assert response.usage.total_tokens > sum(len(text.split()) for text in texts)


async def test_the_purpose_of_a_text_travels_through_the_stack(stack: Any) -> None:
    for purpose in ("query", "passage"):
        response = await stack.embeddings.create(
            model=MODEL, input="one", extra_body={"input_type": purpose}
        )
        assert len(response.data) == 1
    with pytest.raises(ValueError, match="input_type"):
        await stack.embeddings.create(model=MODEL, input="one", extra_body={"input_type": "search"})


async def test_an_answer_is_quoted_from_the_passages(stack: Any) -> None:
    answer = await ask(stack, "Which port does the service listen on?", GUIDE)

    assert answer == "The service listens on port 8080. [1]"


async def test_the_embedding_model_finds_what_the_words_do_not(stack: Any) -> None:
    question = "How much RAM does the host computer need?"

    assert await ask(stack, question, PARAPHRASE) == "The host must have 4 GB of memory. [1]"


async def test_both_providers_share_one_embedding_model(stack: Any) -> None:
    await stack.embeddings.create(model=MODEL, input="one")
    await ask(stack, "Which port does the service listen on?", GUIDE)

    threads = [t.name for t in threading.enumerate() if t.name.startswith("onnx-embeddings")]
    assert len(threads) == 1


async def test_an_answer_streams_word_by_word(stack: Any) -> None:
    stream = await stack.chat.completions.create(
        model="extractive/quote",
        messages=prompt("Which port does the service listen on?", GUIDE),
        stream=True,
    )
    chunks = [chunk async for chunk in stream]

    contents = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(contents) == "The service listens on port 8080. [1]"
    assert len([content for content in contents if content]) == 7
    assert chunks[-1].usage.completion_tokens == 7


async def test_what_the_passages_do_not_say_is_not_answered(stack: Any) -> None:
    answer = await ask(stack, "Who won the football world cup in 1966?", GUIDE)

    assert answer == "The documents that were found do not answer this question."


async def test_both_providers_are_healthy(stack: Any) -> None:
    await ask(stack, "Which port does the service listen on?", GUIDE)

    assert await stack.impls[Api.inference].health() == {
        "onnx": {"status": "OK"},
        "extractive": {"status": "OK"},
    }


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_what_the_service_fences_the_provider_reads(documents: list[tuple[str, str]]) -> None:
    chunks = [
        RagChunk(
            chunk_id=str(n),
            document_id="d",
            content=text,
            score=None,
            store_id="s",
            title=title,
            url="https://example.com/a",
        )
        for n, (title, text) in enumerate(documents)
    ]
    passages = Passages()
    passages.add(chunks)

    read = read_prompt(
        [
            {
                "role": "system",
                "content": passages.instructed("You are helpful.", by_tool=False).content,
            },
            {"role": "user", "content": passages.fenced(range(1, len(passages) + 1))},
            {"role": "user", "content": "Why?"},
        ]
    )

    assert read.question == "Why?"
    assert [passage.number for passage in read.passages] == list(range(1, len(documents) + 1))
    assert [passage.text for passage in read.passages] == [
        f"{text}\n".replace("\r\n", "\n")[:-1] for _, text in documents
    ]


def test_importing_the_providers_loads_no_heavy_library() -> None:
    code = (
        "import sys, lightspeed_stack_providers.extractive.provider,"
        " lightspeed_stack_providers.onnx_embeddings.provider;"
        "heavy = {'onnxruntime', 'tokenizers', 'numpy', 'llama_stack', 'huggingface_hub'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
