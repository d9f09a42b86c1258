"""What a GGUF file says of itself, read without the library that runs it.

The format is that of ggml (docs/gguf.md), versions 2 and 3. Every length in the file is held
against its size, so that a file that lies costs nothing.
"""

import hashlib
import struct
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_ALIGNMENT: Final = 32
_STRING: Final = 8
_ARRAY: Final = 9
_SCALARS: Final = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
# Values of a block and its bytes, by the number of the type; of others only the beginning is known.
_BLOCKS: Final = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 30: (1, 2),
}  # fmt: skip
_LONGEST_KEY: Final = 65_535
_LONGEST_KEPT: Final = 1024 * 1024


class BrokenGguf(Exception):
    """A file cannot be used as a model; the text names file and fault, and what would be right."""

    def __init__(self, path: Path, fault: str, remedy: str) -> None:
        super().__init__(f"Language model {path} {fault}. {remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufFile:
    """A file that is whole as far as its header tells. `trained_context` is in tokens."""

    path: Path
    bytes: int
    chat_template: str
    trained_context: int | None

    @property
    def knows_tools(self) -> bool:
        """Say whether the chat template has a place for tools."""
        return "tools" in self.chat_template


def open_gguf(path: Path, sha256: str | None = None) -> GgufFile:
    """Check a file. Raises `BrokenGguf`."""
    path = path.expanduser()
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            header = _Header(file, path, size)
            metadata = header.read()
            if sha256 is not None:
                _compare(path, file, sha256)
    except OSError as error:
        raise BrokenGguf(
            path, f"cannot be read: {error.strerror}", "Name a GGUF file that exists."
        ) from error
    template = metadata.get("tokenizer.chat_template")
    if not isinstance(template, str) or not template.strip():
        raise BrokenGguf(
            path, "has no chat template", "Use the file of an instruction-tuned (chat) model."
        )
    context = metadata.get(f"{metadata.get('general.architecture')}.context_length")
    return GgufFile(
        path=path,
        bytes=size,
        chat_template=template,
        trained_context=context if isinstance(context, int) and context > 0 else None,
    )


def _compare(path: Path, file: BufferedReader, expected: str) -> None:
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise BrokenGguf(
            path, f"has the SHA-256 {found}", f"model_sha256 says {expected}: get the file anew."
        )


class _Header:
    """Reads a header from its beginning to the list of tensors."""

    def __init__(self, file: BufferedReader, path: Path, size: int) -> None:
        self._file = file
        self._path = path
        self._size = size

    def read(self) -> dict[str, Any]:
        """Return the metadata, long arrays left out. Raises `BrokenGguf`."""
        if self._file.read(4) != MAGIC:
            raise BrokenGguf(
                self._path, "is no GGUF file", "Right would be a file that begins with GGUF."
            )
        version = self._number("I")
        if version not in _VERSIONS:
            raise BrokenGguf(
                self._path,
                f"has version {version} of the format",
                "Versions 2 and 3 are read; convert the model anew.",
            )
        tensors, entries = self._count(), self._count()
        metadata = dict(self._entry() for _ in range(entries))
        self._check_tensors(tensors, metadata.get("general.alignment"))
        return metadata

    def _entry(self) -> tuple[str, Any]:
        key = self._text(_LONGEST_KEY)
        return key, self._value(self._number("I"))

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text(_LONGEST_KEPT)
        if kind == _ARRAY:
            return self._skip_array()
        if kind not in _SCALARS:
            raise self._damaged(f"a value has the unknown type {kind}")
        return self._number(_SCALARS[kind])

    def _skip_array(self) -> None:
        kind, count = self._number("I"), self._count()
        if kind in _SCALARS:
            self._skip(count * struct.calcsize(f"<{_SCALARS[kind]}"))
        elif kind == _STRING:
            for _ in range(count):
                self._skip(self._number("Q"))
        else:
            raise self._damaged(f"a list has the unknown type {kind}")

    def _check_tensors(self, count: int, alignment: Any) -> None:
        ends = [self._tensor_end() for _ in range(count)]
        step = alignment if isinstance(alignment, int) and alignment > 0 else _ALIGNMENT
        begin = -(-self._file.tell() // step) * step
        if not ends:
            raise self._damaged("it holds no tensors")
        if begin + max(ends) > self._size:
            raise self._damaged(
                f"it should have {begin + max(ends)} bytes and has {self._size}, so it was cut off"
            )

    def _tensor_end(self) -> int:
        self._text(_LONGEST_KEY)
        dimensions = self._number("I")
        if not 0 < dimensions <= 8:
            raise self._damaged(f"a tensor has {dimensions} dimensions")
        values = 1
        for _ in range(dimensions):
            values *= self._number("Q")
        block, size = _BLOCKS.get(self._number("I"), (1, 0))
        offset = self._number("Q")
        return int(offset) + values // block * size

    def _count(self) -> int:
        """Read how many follow; each takes a byte at least."""
        count = int(self._number("Q"))
        if count > self._size:
            raise self._damaged(f"it announces {count} entries")
        return count

    def _text(self, longest: int) -> str:
        length = int(self._number("Q"))
        if length > longest:
            raise self._damaged(f"a text has {length} bytes")
        return self._take(length).decode(errors="replace")

    def _number(self, form: str) -> int:
        (number,) = struct.unpack(f"<{form}", self._take(struct.calcsize(f"<{form}")))
        return number

    def _skip(self, length: int) -> None:
        if length > self._size - self._file.tell():
            raise self._damaged("it ends in the middle of its header")
        self._file.seek(length, 1)

    def _take(self, length: int) -> bytes:
        taken = self._file.read(length)
        if len(taken) < length:
            raise self._damaged("it ends in the middle of its header")
        return taken

    def _damaged(self, fault: str) -> BrokenGguf:
        return BrokenGguf(self._path, f"is damaged: {fault}", "Get the file anew.")
