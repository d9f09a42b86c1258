"""Whatever a text is made of, the embedding model reads each of its chunks to the end."""

import base64
import hashlib
import random
from collections.abc import AsyncGenerator
from importlib.resources import files

import pytest
import tiktoken
from llama_stack_api import OpenAIEmbeddingsRequestWithExtraBody
from tokenizers import Tokenizer

from lightspeed_core.domain.retrieval import SourceDocument
from lightspeed_core.engine.types import EmbeddingReach
from lightspeed_core.ingest.chunk import chunk_document, embedding_text
from lightspeed_core.ingest.sizes import Sizes
from lightspeed_stack_providers.onnx_embeddings import OnnxEmbeddings, OnnxEmbeddingsConfig
from tests.support.engines import ROOT

pytestmark = pytest.mark.requirement("chunks.reach")

LONGEST = 256
BLOB = base64.b64encode(random.Random(5).randbytes(3_000)).decode()
LONG_TITLE = "Ein sehr langer Titel über die Donaudampfschifffahrtsgesellschaft " * 12
TEXTS = {
    "prose": (ROOT / "docs" / "concepts.md").read_text()[:6_000],
    "code": f"```python\n{(ROOT / 'lightspeed_core' / 'ingest' / 'chunk.py').read_text()}\n```",
    "chinese": "数据库每天晚上自动备份。证书在到期前三十天自动更新。管理员会收到通知。" * 40,
    "japanese": "データベースは毎晩バックアップされます。証明書は自動的に更新されます。" * 40,
    "korean": "데이터베이스는 매일 밤 백업됩니다. 인증서는 자동으로 갱신됩니다. " * 30,
    "russian": "Сертификаты обновляются автоматически за тридцать дней до истечения срока. " * 30,
    "base64": "\n".join(BLOB[at : at + 76] for at in range(0, len(BLOB), 76)),
    "one long word": BLOB.replace("+", "p").replace("/", "s"),
    "hashes": " ".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(60)),
    "marks": "{[(<>)]};:!?#%&*-+=/|~^" * 120,
    "numbers": " ".join(str(n**3) for n in range(1_000, 1_400)),
    "a wide table": "| name | value |\n|---|---|\n"
    + "".join(f"| key_{n} | {n * 7919:x} and {BLOB[n : n + 40]} |\n" for n in range(60)),
    "headings": "".join(f"## {LONG_TITLE}{n}\n\n{'Some words of it. ' * 90}\n\n" for n in range(2)),
}


def document(text: str, title: str) -> SourceDocument:
    return SourceDocument(document_id="d", text=text, content_hash="h", title=title)


@pytest.fixture(scope="module")
async def model() -> AsyncGenerator[OnnxEmbeddings]:
    provider = OnnxEmbeddings(OnnxEmbeddingsConfig(model_name="m"))
    provider.__provider_id__ = "onnx"
    await provider.initialize()
    yield provider
    await provider.shutdown()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    folder = files("lightspeed_stack_providers.onnx_embeddings") / "minilm_tokenizer"
    tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@pytest.mark.parametrize("title", ["Guide", LONG_TITLE], ids=["short title", "long title"])
@pytest.mark.parametrize("kind", TEXTS)
async def test_a_chunk_is_read_to_its_end(
    kind: str, title: str, model: OnnxEmbeddings, tokenizer: Tokenizer
) -> None:
    counted = await model.token_count("m")
    sizes = Sizes(EmbeddingReach(tokens=counted.limit, count=counted.count))
    named = document(TEXTS[kind], title)
    chunks = chunk_document(named, sizes=sizes)
    assert "".join(TEXTS[kind].split()) == "".join("".join(c.content for c in chunks).split())
    texts = [embedding_text(named, chunk) for chunk in chunks]
    lengths = [len(tokenizer.encode(text).ids) for text in texts]
    assert max(lengths) <= LONGEST
    # The largest ones, as the model itself reads them.
    for length, text in sorted(zip(lengths, texts, strict=True))[-2:]:
        request = OpenAIEmbeddingsRequestWithExtraBody(model="m", input=[text])
        assert (await model.openai_embeddings(request)).usage.prompt_tokens == length


async def test_a_chunk_is_as_large_as_it_may_be(model: OnnxEmbeddings) -> None:
    counted = await model.token_count("m")
    sizes = Sizes(EmbeddingReach(tokens=counted.limit, count=counted.count))
    for text in ("A sentence of words, and a number. " * 400, TEXTS["chinese"]):
        chunks = chunk_document(document(text, "Guide"), sizes=sizes)
        assert all(counted.count(chunk.content) > 120 for chunk in chunks[:-1])
        assert all(counted.count(chunk.content) <= 190 for chunk in chunks)


@pytest.mark.parametrize("kind", TEXTS)
def test_without_a_tokenizer_the_estimate_leaves_room_enough_for_any(
    kind: str, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = ROOT / "lightspeed_core" / "engine" / "llama_stack" / "tokenizer"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(shipped))
    named = document(TEXTS[kind], "Guide")
    of_bytes = tiktoken.get_encoding("cl100k_base")
    for chunk in chunk_document(named):
        text = embedding_text(named, chunk)
        assert len(tokenizer.encode(text).ids) <= 512
        assert len(of_bytes.encode_ordinary(text)) <= 512
