"""What a chunk carries so that a citation of it can be checked, in the metadata of any store.

The values are plain: not every store takes mappings within mappings.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from lightspeed_core.domain.retrieval import Chunk, ChunkOrigin, SourceDocument, SourceFile

ORIGIN_KEYS: Final = frozenset(
    {
        "content_digest",
        "page_breaks",
        "table_header",
        "file_path",
        "file_size",
        "file_modified_ns",
        "file_digest",
    }
)


def origin_metadata(document: SourceDocument, chunk: Chunk) -> dict[str, Any]:
    """Give the metadata of a chunk that `read_origin` reads; None stands for what is unknown."""
    digest = hashlib.sha256(chunk.content.encode()).hexdigest()
    return {
        "content_digest": digest,
        "page_breaks": list(chunk.page_breaks) or None,
        "table_header": chunk.table_header or None,
        **file_metadata(document.file),
    }


def file_metadata(file: SourceFile | None) -> dict[str, Any]:
    """Give what `read_file` reads; None stands for what is unknown."""
    return {
        "file_path": file and file.path,
        "file_size": file and file.size,
        "file_modified_ns": file and file.modified_ns,
        "file_digest": file and file.digest,
    }


def read_origin(metadata: Mapping[str, Any]) -> ChunkOrigin:
    """Read what is there; another program may have written a store, and anything into it."""
    digest = metadata.get("content_digest")
    return ChunkOrigin(
        content_digest=digest if isinstance(digest, str) else None,
        page_breaks=read_page_breaks(metadata),
        file=read_file(metadata),
    )


def read_page_breaks(metadata: Mapping[str, Any]) -> tuple[int, ...]:
    """Read the offsets at which pages begin within a chunk, in order."""
    breaks = metadata.get("page_breaks")
    if not isinstance(breaks, list):
        return ()
    return tuple(sorted(int(each) for each in breaks if isinstance(each, int | float)))


def read_file(metadata: Mapping[str, Any]) -> SourceFile | None:
    """Read the file that a document came from, as it was then."""
    path, digest = metadata.get("file_path"), metadata.get("file_digest")
    size, modified = metadata.get("file_size"), metadata.get("file_modified_ns")
    if not (isinstance(path, str) and isinstance(digest, str)):
        return None
    if not (isinstance(size, int | float) and isinstance(modified, int | float)):
        return None
    return SourceFile(path=path, size=int(size), modified_ns=int(modified), digest=digest)
