"""Has a file of another program read by a process of its own, and checks all that it says."""

import asyncio
import base64
import json
import math
import signal
import sys
from array import array
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from lightspeed_core.errors import InvalidRequest, NotFound

_MEMORY_OVER: Final = 1 << 30
_MEMORY_PER_BYTE: Final = 24
_MOST_MEMORY: Final = 64 << 30
_LONGEST_LINE: Final = 1 << 30
_CHILD: Final = "lightspeed_core.ingest.foreign.child"


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds of the process; `memory` is in bytes, None for what the file's size allows."""

    seconds: int = 900
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class ForeignStore:
    """A store in the file; None is what the file does not say."""

    store_id: str
    model: str | None = None
    dimension: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignChunk:
    """A chunk with its vector, all of whose numbers are finite."""

    chunk_id: str
    content: str
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    vector: Sequence[float] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignDocument:
    """A document in the order of its chunks."""

    document_id: str
    title: str
    url: str | None
    source: str | None
    chunks: tuple[ForeignChunk, ...]


async def list_stores(path: Path, limits: ReadLimits | None = None) -> list[ForeignStore]:
    """Return the stores of a file; raises as `choose_store` and `read_documents` do."""
    async with _lines_of(path, "", limits or ReadLimits()) as lines:
        async for line in lines:
            return [ForeignStore(*each) for each in line["stores"]]
    raise _unusable(path, "nothing was read of it")


def choose_store(path: Path, stores: Sequence[ForeignStore], wanted: str | None) -> ForeignStore:
    """Return the store that is wanted, or the only one. Raises `InvalidRequest`."""
    names = ", ".join(store.store_id for store in stores) or "none"
    found = [store for store in stores if wanted in {None, store.store_id}]
    if not found:
        raise _unusable(path, f"it has no store '{wanted}'; it has {names}" if wanted else "empty")
    if len(found) > 1:
        raise _unusable(path, f"it has several stores; choose one by --from: {names}")
    return found[0]


async def read_documents(
    path: Path, store_id: str, limits: ReadLimits | None = None
) -> AsyncGenerator[ForeignDocument]:
    """Give the documents of a store.

    Raises `NotFound` where there is no file, and `InvalidRequest` naming file and reason where it
    is damaged, of another kind, or takes more than the limits.
    """
    dimension: int | None = None
    async with _lines_of(path, store_id, limits or ReadLimits()) as lines:
        async for line in lines:
            if "document_id" not in line:
                if line.get("end"):
                    return
                continue
            document = _document(path, line)
            for chunk in document.chunks:
                dimension = dimension or len(chunk.vector)
                if len(chunk.vector) != dimension:
                    raise _unusable(path, "its vectors differ in their length")
            yield document
    raise _unusable(path, "it was not read to its end")


@asynccontextmanager
async def _lines_of(
    path: Path, store_id: str, limits: ReadLimits
) -> AsyncGenerator[AsyncGenerator[dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", _CHILD),
        *_arguments(path, store_id, limits),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST_LINE,
        env={},
    )
    lines = _read(path, process, limits)
    try:
        yield lines
    finally:
        await lines.aclose()
        if process.returncode is None:
            process.kill()
        await process.wait()


def _arguments(path: Path, store_id: str, limits: ReadLimits) -> tuple[str, ...]:
    if not path.is_file():
        raise NotFound("file", str(path))
    allowed = min(_MOST_MEMORY, _MEMORY_OVER + _MEMORY_PER_BYTE * path.stat().st_size)
    return (str(path.absolute()), store_id, str(limits.memory or allowed), str(limits.seconds))


async def _read(
    path: Path, process: asyncio.subprocess.Process, limits: ReadLimits
) -> AsyncGenerator[dict[str, Any]]:
    if process.stdout is None:
        return
    while True:
        try:
            async with asyncio.timeout(limits.seconds):
                text = await process.stdout.readline()
        except TimeoutError:
            raise _unusable(path, f"reading it took more than {limits.seconds} seconds") from None
        except ValueError:
            raise _unusable(path, "one of its documents is too large") from None
        if not text:
            break
        line = _object(path, text)
        if "error" in line:
            raise _unusable(path, str(line["error"]))
        yield line
    code = await process.wait()
    if code:
        raise _unusable(path, _why_it_ended(code))


def _why_it_ended(code: int) -> str:
    if code == -signal.SIGXCPU:
        return "reading it took too much computing time"
    return f"the process that read it ended by {code}"


def _object(path: Path, text: bytes) -> dict[str, Any]:
    try:
        line: object = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        raise _unusable(path, "the process that read it wrote nonsense")
    return cast("dict[str, Any]", line)


def _document(path: Path, line: Mapping[str, Any]) -> ForeignDocument:
    try:
        # Lone surrogates, which no file can hold, are refused with what else is wrong.
        json.dumps(line, ensure_ascii=False).encode()
        return ForeignDocument(
            document_id=str(line["document_id"]),
            title=_text(line.get("title")) or str(line["document_id"]),
            url=_text(line.get("url")),
            source=_text(line.get("source")),
            chunks=tuple(
                ForeignChunk(
                    chunk_id=str(chunk["chunk_id"]),
                    content=str(chunk["content"]),
                    metadata=chunk["metadata"],
                    vector=_vector(chunk["vector"]),
                )
                for chunk in line["chunks"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable(path, f"a document of it cannot be used: {error}") from error


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _vector(text: str) -> "array[float]":
    vector = array("f")
    vector.frombytes(base64.b64decode(text, validate=True))
    if not vector or not math.isfinite(sum(vector)):
        raise ValueError("a vector is empty, or holds a number that is not finite")
    return vector


def _unusable(path: Path, reason: str) -> InvalidRequest:
    return InvalidRequest("File cannot be imported", f"{path} cannot be imported: {reason}")
