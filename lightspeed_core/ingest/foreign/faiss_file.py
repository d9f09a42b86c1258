"""Reads the SQLite file of Llama Stack's faiss provider, knowing that it may be hostile.

It is a key-value table: one row describes each store, another holds its chunks as JSON and its
index as base64 of a NumPy array of bytes. Only a flat index is understood, and it is read here,
number by number: neither faiss nor pickle sees a byte of it. This module imports nothing of the
product, for it runs in a process of its own (`child`).
"""

import ast
import base64
import json
import math
import sqlite3
import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

_STORE_KEYS: Final = ("vector_stores:v%::", "vector_dbs:v%::")
_INDEX_KEYS: Final = "faiss_index:v%::"
_KEYS_OF: Final = "SELECT key, NULL FROM kvstore WHERE key LIKE ? ORDER BY key"
_VALUES_OF: Final = "SELECT key, value FROM kvstore WHERE key LIKE ? ORDER BY key"
_NUMPY: Final = b"\x93NUMPY"
_FLAT: Final = frozenset({b"IxF2", b"IxFI", b"IxFl"})
# Kind, dimension, count, two unused numbers, whether it is trained, metric, count of numbers.
_FLAT_HEAD: Final = struct.Struct("<4siqqq?iQ")
_MOST_DIMENSIONS: Final = 65_536


class Damaged(Exception):
    """The file is not what it should be; the text says where and why."""


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """What the file says of a store; None where it says nothing."""

    store_id: str
    model: str | None
    dimension: int | None


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A chunk with its vector, as it stands in the file."""

    content: str
    metadata: Mapping[str, Any]
    chunk_id: str
    document_id: str | None
    vector: array[float]


class FaissFile:
    """An opened file; nothing beside it is created, and it is not written."""

    def __init__(self, path: Path) -> None:
        # Where nobody has the database open, opening it would create files beside it.
        is_open = path.with_name(f"{path.name}-shm").exists()
        options = "mode=ro" if is_open else "immutable=1"
        self._connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?{options}", uri=True
        )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def stores(self) -> list[StoreRecord]:
        """Return the stores that have an index. Raises `Damaged`."""
        described = dict(self._described())
        ids = [key.partition("::")[2] for key, _ in self._rows(_INDEX_KEYS, _KEYS_OF)]
        return [described.get(each) or StoreRecord(each, None, None) for each in ids]

    def chunks(self, store_id: str) -> Iterator[FoundChunk]:
        """Give the chunks of a store in the order of its index. Raises `Damaged`."""
        for key, value in self._rows(_INDEX_KEYS, _VALUES_OF):
            if key.partition("::")[2] == store_id:
                yield from _chunks(_json(value, f"the row {key}"))
                return
        raise Damaged(f"it has no index of the store '{store_id}'")

    def _described(self) -> Iterator[tuple[str, StoreRecord]]:
        for pattern in _STORE_KEYS:
            for key, value in self._rows(pattern, _VALUES_OF):
                record = _json(value, f"the row {key}")
                store_id = key.partition("::")[2]
                model, dimension = record.get("embedding_model"), record.get("embedding_dimension")
                yield (
                    store_id,
                    StoreRecord(
                        store_id,
                        model if isinstance(model, str) else None,
                        dimension if isinstance(dimension, int) else None,
                    ),
                )

    def _rows(self, pattern: str, query: str) -> list[tuple[str, Any]]:
        try:
            return self._connection.execute(query, (f"{pattern}%",)).fetchall()
        except sqlite3.Error as error:
            if str(error).startswith("no such table"):
                raise Damaged("it is no file of Llama Stack: it has no table kvstore") from error
            raise Damaged(f"SQLite cannot read it: {error}") from error


def _chunks(data: Mapping[str, Any]) -> Iterator[FoundChunk]:
    chunks, index = data.get("chunk_by_index"), data.get("faiss_index")
    if not isinstance(chunks, dict) or not isinstance(index, str):
        raise Damaged("the row of its index holds no chunks and index")
    by_place = cast("dict[str, Any]", chunks)
    vectors = _flat_vectors(_bytes_of_array(index))
    for number, vector in enumerate(vectors):
        written = by_place.pop(str(number), None)
        if not isinstance(written, str):
            raise Damaged(f"vector {number} of its index has no chunk")
        if not math.isfinite(sum(vector)):
            raise Damaged(f"vector {number} holds a number that is not finite")
        yield _chunk(_json(written, f"chunk {number}"), number, vector)
    if by_place:
        raise Damaged(f"{len(by_place)} of its chunks have no vector in the index")


def _chunk(chunk: Mapping[str, Any], number: int, vector: "array[float]") -> FoundChunk:
    content = _text(chunk.get("content"))
    if content is None:
        raise Damaged(f"chunk {number} has no text")
    metadata = _mapping(chunk.get("metadata"))
    described = _mapping(chunk.get("chunk_metadata"))
    document_id = metadata.get("document_id") or described.get("document_id")
    chunk_id = chunk.get("chunk_id") or chunk.get("stored_chunk_id") or described.get("chunk_id")
    return FoundChunk(
        content=content,
        metadata=metadata,
        chunk_id=str(chunk_id or number),
        document_id=None if document_id is None else str(document_id),
        vector=vector,
    )


def _bytes_of_array(text: str) -> bytes:
    """Read a NumPy array of bytes, in the first two versions of NumPy's format.

    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    try:
        raw = base64.b64decode(text, validate=True)
        if raw[:6] != _NUMPY or raw[6] not in {1, 2}:
            raise Damaged("its index is no NumPy array")
        width = 2 if raw[6] == 1 else 4
        begin = 8 + width + int.from_bytes(raw[8 : 8 + width], "little")
        head: Any = ast.literal_eval(raw[8 + width : min(begin, 4096)].decode("latin-1").strip())
        if head["descr"] != "|u1" or head["shape"] != (len(raw) - begin,):
            raise Damaged("its index is no array of bytes, or is cut off")
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise Damaged("its index cannot be read") from error
    return raw[begin:]


def _flat_vectors(raw: bytes) -> "Iterator[array[float]]":
    """Read the vectors of a flat index, as faiss writes it (`index_write.cpp`)."""
    if len(raw) < _FLAT_HEAD.size:
        raise Damaged("its index is cut off")
    kind, dimension, count, _, _, _, metric, numbers = _FLAT_HEAD.unpack_from(raw)
    if kind not in _FLAT or metric not in {0, 1}:
        raise Damaged(f"its index is of another kind than flat ({kind!r})")
    if not 0 < dimension <= _MOST_DIMENSIONS or count < 0 or numbers != count * dimension:
        raise Damaged(f"its index says of itself: {count} vectors of {dimension} numbers")
    if len(raw) != _FLAT_HEAD.size + numbers * 4:
        raise Damaged("its index is shorter or longer than it says")
    for number in range(count):
        vector = array("f")
        begin = _FLAT_HEAD.size + number * dimension * 4
        vector.frombytes(raw[begin : begin + dimension * 4])
        yield vector


def _json(text: object, what: str) -> dict[str, Any]:
    try:
        value: object = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{what} is no JSON") from error
    if not isinstance(value, dict):
        raise Damaged(f"{what} is no JSON object")
    return cast("dict[str, Any]", value)


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(content: object) -> str | None:
    """Read a text, or the texts of a list of parts."""
    if isinstance(content, str):
        return content
    parts = cast("list[object]", content if isinstance(content, list) else [content])
    texts = [_mapping(part).get("text") for part in parts]
    if not texts or not all(isinstance(text, str) for text in texts):
        return None
    return " ".join(str(text) for text in texts)
