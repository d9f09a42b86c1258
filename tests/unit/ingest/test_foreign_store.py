"""A file of another program is read in a process of its own, or refused with file and reason."""

import base64
import hashlib
import io
import json
import os
import pickle
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from lightspeed_core.errors import InvalidRequest, NotFound
from lightspeed_core.ingest.foreign.reader import (
    ForeignDocument,
    ForeignStore,
    ReadLimits,
    choose_store,
    list_stores,
    read_documents,
)
from tests.support.foreign_store import MODEL, rows_of, write_foreign_file

TEXTS = ("The heron stands still.", "Operators are installed.", "Ships come by day.")
VECTORS = ((0.25, 0.5, -1.0), (1.0, 0.0, 0.125), (0.5, 0.5, 0.5))
INDEX = "faiss_index:v3::vs_ocp"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_foreign_file(tmp_path / "ocp.faiss", rows_of(TEXTS, VECTORS))


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cut_off(path: Path) -> Path:
    """Copy the beginning of a file."""
    cut = path.with_name("cut.faiss")
    cut.write_bytes(path.read_bytes()[:5000])
    return cut


async def documents_of(path: Path, **limits: Any) -> list[ForeignDocument]:
    return [each async for each in read_documents(path, "vs_ocp", ReadLimits(**limits))]


@pytest.mark.requirement("import.whole")
async def test_chunks_come_with_their_metadata_and_the_vectors_of_the_index(file: Path) -> None:
    before = digest_of(file)

    (store,) = await list_stores(file)
    documents = await documents_of(file)

    assert store == ForeignStore("vs_ocp", MODEL, 3)
    assert [each.document_id for each in documents] == ["doc-0", "doc-1", "doc-2"]
    assert [each.url for each in documents] == [f"https://docs.example.com/{n}" for n in range(3)]
    assert [each.title for each in documents] == ["Page 0", "Page 1", "Page 2"]
    chunks = [chunk for each in documents for chunk in each.chunks]
    assert [chunk.content for chunk in chunks] == list(TEXTS)
    assert [tuple(chunk.vector) for chunk in chunks] == list(VECTORS)
    assert chunks[0].metadata["tokens"] == 12
    assert digest_of(file) == before
    assert os.listdir(file.parent) == [file.name]  # noqa: PTH208 - names alone


async def test_chunks_of_one_document_come_together(tmp_path: Path) -> None:
    rows = rows_of(TEXTS, VECTORS)
    index = json.loads(rows[INDEX])
    for place, document_id in (("0", "a"), ("1", "b"), ("2", "a")):
        chunk = json.loads(index["chunk_by_index"][place])
        chunk["metadata"]["document_id"] = document_id
        index["chunk_by_index"][place] = json.dumps(chunk)
    path = write_foreign_file(tmp_path / "f", rows | {INDEX: json.dumps(index)})

    documents = await documents_of(path)

    assert [(each.document_id, len(each.chunks)) for each in documents] == [("a", 2), ("b", 1)]


def with_index(change: Callable[[dict[str, Any]], None]) -> dict[str, str]:
    rows = rows_of(TEXTS, VECTORS)
    index = json.loads(rows[INDEX])
    change(index)
    return rows | {INDEX: json.dumps(index)}


def array_of(content: Any) -> str:
    buffer = io.BytesIO()
    np.save(buffer, content, allow_pickle=True)
    return base64.b64encode(buffer.getvalue()).decode()


def flat(vectors: Any) -> Any:
    index: Any = faiss.IndexFlatL2(3)
    index.add(np.array(vectors, dtype=np.float32))
    return faiss.serialize_index(index)


def other_index() -> str:
    index: Any = faiss.index_factory(3, "HNSW4")
    index.add(np.array(VECTORS, dtype=np.float32))
    return array_of(faiss.serialize_index(index))


def lying(offset: int, value: bytes) -> str:
    raw = bytearray(flat(VECTORS).tobytes())
    raw[offset : offset + len(value)] = value
    return array_of(np.frombuffer(bytes(raw), dtype=np.uint8))


class Exploit:
    """Would make a file where a pickle of it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("exploited",))


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a pickled array": (
        lambda index: index.update(faiss_index=array_of(np.array([Exploit()], dtype=object))),
        "no array of bytes",
    ),
    "a pickle": (
        lambda index: index.update(faiss_index=base64.b64encode(pickle.dumps(Exploit())).decode()),
        "no NumPy array",
    ),
    "no base64": (lambda index: index.update(faiss_index="%%%"), "cannot be read"),
    "an index cut off": (
        lambda index: index.update(faiss_index=array_of(flat(VECTORS)[:-7])),
        "shorter or longer than it says",
    ),
    "another kind of index": (
        lambda index: index.update(faiss_index=other_index()),
        "of another kind than flat",
    ),
    "a count that lies": (
        lambda index: index.update(faiss_index=lying(8, (2**60).to_bytes(8, "little"))),
        "says of itself",
    ),
    "a negative dimension": (
        lambda index: index.update(faiss_index=lying(4, b"\xff\xff\xff\xff")),
        "says of itself",
    ),
    "infinite numbers": (
        lambda index: index.update(faiss_index=array_of(flat([*VECTORS[:2], (1, np.inf, 0)]))),
        "vector 2 holds a number that is not finite",
    ),
    "NaN": (
        lambda index: index.update(faiss_index=array_of(flat([(np.nan, 0, 0), *VECTORS[1:]]))),
        "vector 0 holds a number that is not finite",
    ),
    "a chunk too few": (lambda index: index["chunk_by_index"].pop("1"), "vector 1 of its index"),
    "a chunk too many": (
        lambda index: index["chunk_by_index"].update({"7": "{}"}),
        "1 of its chunks have no vector",
    ),
    "a chunk that is no JSON": (
        lambda index: index["chunk_by_index"].update({"1": "{"}),
        "chunk 1 is no JSON",
    ),
    "a chunk nested without end": (
        lambda index: index["chunk_by_index"].update({"1": "[" * 200_000}),
        "chunk 1 is no JSON",
    ),
    "a text that is none": (
        lambda index: index["chunk_by_index"].update(
            {"1": json.dumps({"content": "\ud800", "metadata": {}})}
        ),
        "a document of it cannot be used",
    ),
    "a chunk without text": (
        lambda index: index["chunk_by_index"].update({"1": "{}"}),
        "chunk 1 has no text",
    ),
}


@pytest.mark.attack(34)
@pytest.mark.requirement("import.refused")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_is_refused_with_its_name_and_the_reason(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change, reason = HOSTILE[name]
    path = write_foreign_file(tmp_path / "ocp.faiss", with_index(change))

    with pytest.raises(InvalidRequest) as refused:
        await documents_of(path)

    assert refused.value.cause.startswith(f"{path} cannot be imported: ")
    assert reason in refused.value.cause
    assert not (tmp_path / "exploited").exists()


@pytest.mark.requirement("import.refused")
async def test_what_is_no_file_of_the_stack_is_refused(tmp_path: Path, file: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database at all" * 99)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
    cut = cut_off(file)

    for path, reason in ((text, "SQLite cannot read it"), (other, "no file of Llama Stack")):
        with pytest.raises(InvalidRequest, match=reason):
            await list_stores(path)
    with pytest.raises(InvalidRequest, match="SQLite cannot read it"):
        await documents_of(cut)
    with pytest.raises(NotFound):
        await list_stores(tmp_path / "missing")


@pytest.mark.requirement("import.refused")
async def test_memory_and_time_of_the_process_are_bounded(tmp_path: Path) -> None:
    huge = write_foreign_file(tmp_path / "huge", {INDEX: "[" + "0," * 30_000_000 + "0]"})

    with pytest.raises(InvalidRequest, match="takes more than 200 MiB of memory"):
        await documents_of(huge, memory=200 << 20)
    with pytest.raises(InvalidRequest, match="reading it took"):
        await documents_of(huge, seconds=1)


@pytest.mark.attack(41)
@pytest.mark.requirement("import.refused")
@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', {port}))",
        "import socket; socket.getaddrinfo('localhost', {port})",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import pathlib; pathlib.Path('made').write_text('x')",
        "import pickle; pickle.loads(pickle.dumps(print))",
    ],
)
def test_the_process_may_neither_connect_nor_start_nor_write(tmp_path: Path, attempt: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        program = (
            "from lightspeed_core.ingest.foreign import child;"
            f"child.restrict(1 << 30, 60); {attempt.format(port=server.getsockname()[1])}"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", program],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        with pytest.raises(BlockingIOError):
            server.accept()

    assert done.returncode != 0
    assert "is not allowed here" in done.stderr or "no file is written here" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.attack(41)
@pytest.mark.requirement("import.refused")
@pytest.mark.parametrize("address", ["http://169.254.169.254/x", "https://127.0.0.1/ocp.faiss"])
async def test_an_address_is_no_file_and_is_not_called(address: str) -> None:
    with pytest.raises(NotFound):
        await list_stores(Path(address))


def test_one_of_several_stores_has_to_be_named() -> None:
    path = Path("f")
    stores = [ForeignStore("a"), ForeignStore("b")]

    assert choose_store(path, stores, "b") == stores[1]
    assert choose_store(path, stores[:1], None) == stores[0]
    with pytest.raises(InvalidRequest, match="choose one by --from: a, b"):
        choose_store(path, stores, None)
    with pytest.raises(InvalidRequest, match="it has no store 'c'; it has a, b"):
        choose_store(path, stores, "c")
    with pytest.raises(InvalidRequest, match="empty"):
        choose_store(path, [], None)
