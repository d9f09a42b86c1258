"""The process that opens a file of another program, with limits, and prints what it found.

One JSON object per line: the stores, then one document after another, or `{"error": …}`. It may
neither connect anywhere, start anything, nor write a file; its parent believes none of its lines.
"""

import base64
import json
import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from lightspeed_core.ingest.foreign.faiss_file import Damaged, FaissFile, FoundChunk

_FORBIDDEN: Final = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.spawn")
_PICKLED: Final = ("pickle.", "marshal.")
_WRITING: Final = frozenset("wax+")
_URL_KEYS: Final = ("doc_url", "docs_url", "url", "link", "reference_url")


def main(arguments: list[str]) -> int:
    """Print the stores of a file, and the documents of one of them where it is named."""
    path, store_id, memory, seconds = arguments
    restrict(int(memory), int(seconds))
    try:
        _print_all(Path(path), store_id or None)
    except Damaged as error:
        _print({"error": str(error)})
    except MemoryError:
        _print({"error": f"reading it takes more than {int(memory) >> 20} MiB of memory"})
    except RecursionError:
        _print({"error": "it is nested too deeply"})
    else:
        return 0
    return 1


def restrict(memory: int, seconds: int) -> None:
    """Bound this process for good: bytes, seconds of computing, and what it may do."""
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    # A process is killed without a word at the hard limit, and at the soft one told why.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith((*_FORBIDDEN, *_PICKLED)):
        raise PermissionError(f"{event} is not allowed here")
    if event == "open" and isinstance(arguments[1], str) and _WRITING & set(arguments[1]):
        raise PermissionError("no file is written here")


def _print_all(path: Path, store_id: str | None) -> None:
    file = FaissFile(path)
    try:
        stores = file.stores()
        _print({"stores": [[each.store_id, each.model, each.dimension] for each in stores]})
        if store_id is not None:
            for document_id, chunks in _documents(file.chunks(store_id)):
                _print(_document(document_id, chunks))
            _print({"end": True})
    finally:
        file.close()


def _documents(chunks: Iterable[FoundChunk]) -> Iterable[tuple[str, list[FoundChunk]]]:
    """Group chunks by document; one that names none is known by its link, title or itself."""
    grouped: dict[str, list[FoundChunk]] = {}
    for chunk in chunks:
        metadata = chunk.metadata
        name = chunk.document_id or _url(metadata) or metadata.get("title") or chunk.chunk_id
        grouped.setdefault(str(name), []).append(chunk)
    return grouped.items()


def _document(document_id: str, chunks: list[FoundChunk]) -> dict[str, Any]:
    first = chunks[0].metadata
    return {
        "document_id": document_id,
        "title": first.get("title"),
        "url": _url(first),
        "source": first.get("source"),
        "chunks": [
            {
                "chunk_id": chunk.chunk_id,
                "content": chunk.content,
                "metadata": dict(chunk.metadata),
                "vector": base64.b64encode(chunk.vector.tobytes()).decode(),
            }
            for chunk in chunks
        ],
    }


def _url(metadata: Any) -> Any:
    return next((metadata[key] for key in _URL_KEYS if metadata.get(key)), None)


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
