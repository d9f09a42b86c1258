"""Estimates beside the counts of a real tokenizer, which comes with the package."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiktoken

from lightspeed_core.assistant.passages import Passages
from lightspeed_core.assistant.prompts import build_messages
from lightspeed_core.assistant.token_estimate import (
    TOKENS_OF_ANSWER,
    TOKENS_OF_IMAGE,
    TOKENS_OF_MESSAGE,
    estimate_tokens,
    estimate_usage,
)
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.engine.types import ChatRequest
from tests.support.scripted_assistant import turn

pytestmark = pytest.mark.requirement("query.tokens")

ROOT = Path(__file__).resolve().parents[3]
FILES = (
    "README.md",
    "LICENSE",
    "docs/api.md",
    "docs/openapi.json",
    "run.yaml",
    "uv.lock",
    "lightspeed_core/assistant/turn.py",
)
LANGUAGES = {
    "german": "Der Dienst lauscht auf Port 8080. Um das zu ändern, setzen Sie die Variable in der "
    "Umgebung und starten ihn neu; bestehende Verbindungen werden dabei unterbrochen.",
    "french": "Le service écoute par défaut sur le port 8080. Pour le changer, définissez la "
    "variable d'environnement puis redémarrez le service.",
    "russian": "Служба по умолчанию прослушивает порт 8080. Чтобы изменить это, задайте "
    "переменную окружения и перезапустите службу.",
    "chinese": "该服务默认监听8080端口。要更改它,请设置环境变量并重新启动服务。"
    "请注意,现有连接将会中断。",
    "japanese": "サービスはポート8080で待ち受けます。変更するには環境変数を設定して"
    "サービスを再起動してください。",
    "arabic": "تستمع الخدمة افتراضيًا إلى المنفذ 8080. لتغييره، عيّن متغير البيئة ثم أعد التشغيل.",
}


@pytest.fixture(scope="module")
def tokenizer() -> Iterator[tiktoken.Encoding]:
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(ROOT / "lightspeed_core/engine/llama_stack/tokenizer")
    yield tiktoken.get_encoding("cl100k_base")
    if before is None:
        del os.environ["TIKTOKEN_CACHE_DIR"]
    else:
        os.environ["TIKTOKEN_CACHE_DIR"] = before


@pytest.mark.parametrize("name", FILES)
def test_english_code_and_data_are_estimated_closely(
    tokenizer: tiktoken.Encoding, name: str
) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")[:60_000]
    assert estimate_tokens(text) == pytest.approx(len(tokenizer.encode_ordinary(text)), rel=0.15)


@pytest.mark.parametrize("text", LANGUAGES.values(), ids=LANGUAGES)
def test_other_languages_are_estimated_within_a_quarter(
    tokenizer: tiktoken.Encoding, text: str
) -> None:
    assert estimate_tokens(text) == pytest.approx(len(tokenizer.encode_ordinary(text)), rel=0.25)


def test_nothing_is_no_tokens() -> None:
    assert estimate_tokens("") == 0


def test_the_estimate_of_a_turn_covers_its_whole_prompt(tokenizer: tiktoken.Encoding) -> None:
    page = (ROOT / "docs/concepts.md").read_text(encoding="utf-8")
    chunks = [
        RagChunk(
            chunk_id=f"c{n}",
            document_id="d",
            content=page[n * 800 : (n + 1) * 800],
            store_id="s",
            score=1.0,
        )
        for n in range(4)
    ]
    earlier = [turn(page[4000:5000], question="What is a turn?"), turn("It is.", question="Sure?")]
    passages = Passages()
    passages.add(chunks)
    messages = build_messages("Be brief. " * 20, earlier, turn(question="And a chunk?"), passages)
    counted = TOKENS_OF_ANSWER + sum(
        TOKENS_OF_MESSAGE + len(tokenizer.encode_ordinary(message.content)) for message in messages
    )

    usage = estimate_usage(ChatRequest(model="p/m", messages=messages), ("A chunk", " is."), ())

    assert usage.is_estimated
    assert usage.input_tokens == pytest.approx(counted, rel=0.15)
    assert usage.output_tokens == 4
    assert counted > len(tokenizer.encode_ordinary(passages.fenced(range(1, 5))))


def test_images_tools_and_calls_count() -> None:
    plain = Message(role=Role.USER, content="Look")
    seeing = Message(role=Role.USER, content="Look", images=("data:image/png;base64,AAAA",) * 2)
    call = ToolCall(id="c", name="read", arguments={"room": "kitchen"})
    calling = Message(role=Role.ASSISTANT, content="", tool_calls=(call,))
    tool = ToolSpec(name="read", description="Read the temperature of a room.")

    def read(*messages: Message, tools: tuple[ToolSpec, ...] = ()) -> int:
        request = ChatRequest(model="p/m", messages=messages, tools=tools)
        return estimate_usage(request, (), ()).input_tokens

    assert read(seeing) == read(plain) + 2 * TOKENS_OF_IMAGE
    assert read(plain, tools=(tool,)) >= read(plain) + 7
    assert read(plain, calling) >= read(plain) + TOKENS_OF_MESSAGE + 3
    wrote = estimate_usage(ChatRequest(model="p/m", messages=()), (), (call,)).output_tokens
    assert wrote >= 3
