"""What goes over the pipe: lines of JSON, and the text of a document as plain bytes.

Nothing that comes back is trusted: sizes are bounded before they are read, and every field has
its type checked.
"""

import json
import os
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.domain.retrieval import PageSpan

LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes of a line; the pages of a long document are most of it."""
BYTES_PER_CHARACTER: Final = 4


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def line(self) -> bytes:
        """Encode as a line of ASCII."""
        return json.dumps(self.model_dump()).encode("ascii") + b"\n"


class Request(_Message):
    """A file to be read: where it lies, and the name that tells its type."""

    path_hex: str
    name: str
    limits: ParseLimits = Field(strict=False)

    @classmethod
    def of(cls, path: Path, name: str, limits: ParseLimits) -> "Request":
        """Ask for a file. A path is any bytes, and a name of theirs may be no text."""
        printable = name.encode("utf-8", "replace").decode()
        return cls(path_hex=os.fsencode(path.absolute()).hex(), name=printable, limits=limits)

    @property
    def path(self) -> Path:
        """The file's path."""
        return Path(os.fsdecode(bytes.fromhex(self.path_hex)))


class Answer(_Message):
    """What came of a file; `text_bytes` follow the line, UTF-8. With a reason there is no text.

    After an answer that `is_last` the process ends.
    """

    reason: str | None = None
    is_last: bool = False
    text_bytes: int = Field(default=0, ge=0)
    media_type: str = ""
    title: str | None = None
    language: str | None = None
    pages: list[tuple[int, int, int]] = []
    notes: list[str] = []
    size: int = 0
    modified_ns: int = 0
    digest: str = ""

    @property
    def spans(self) -> tuple[PageSpan, ...]:
        """The pages as the domain knows them."""
        return tuple(PageSpan(*page) for page in self.pages)


class GarbledAnswer(Exception):
    """What came over the pipe is no answer."""


def read_answer(line: bytes, limits: ParseLimits) -> Answer:
    """Read the line of an answer. Raises `GarbledAnswer`."""
    try:
        answer = Answer.model_validate_json(line)
    except ValidationError as error:
        raise GarbledAnswer(str(error)) from error
    if answer.text_bytes > limits.characters * BYTES_PER_CHARACTER:
        raise GarbledAnswer("more text than the limit")
    return answer
