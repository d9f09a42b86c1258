"""What the store of files keeps beside their bytes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

_FOLDERS: Final = re.compile(r"[\\/]")
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that was handed over whole; `sha256` is in hexadecimal, `size` in bytes.

    `filename` is what the user calls it: a name to show and to tell the format by, never a path.
    """

    file_id: str
    user_id: str
    filename: str
    size: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file in a vector store, or on its way there; `job_id` is the job that brings it in.

    `attributes` are what searches can filter by. `is_open` says that the job is not known to be
    over. A chunk has at most `max_chunk_tokens`, None for as many as usual.
    """

    store_id: str
    file_id: str
    user_id: str
    job_id: str
    created_at: datetime
    attributes: Mapping[str, str | float | bool] = field(
        default_factory=dict[str, str | float | bool]
    )
    max_chunk_tokens: int | None = None
    is_open: bool = True


def new_file_id() -> str:
    """Return an id that nobody can guess."""
    return f"file-{uuid4().hex}"


def plain_filename(name: str) -> str:
    """Return the last part of a path without what cannot be shown; `.txt` where it has no suffix.

    At most 255 characters, the suffix among them.
    """
    last = _FOLDERS.split(name)[-1]
    shown = "".join(character for character in last if character.isprintable()).strip(" .")
    stem, dot, suffix = shown.rpartition(".")
    if not (dot and stem and suffix):
        stem, suffix = shown or "file", "txt"
    suffix = suffix[: _LONGEST_NAME // 2]
    return f"{stem[: _LONGEST_NAME - len(suffix) - 1]}.{suffix}"
