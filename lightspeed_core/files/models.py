"""What the store of files keeps beside their bytes."""

import re
from dataclasses import dataclass
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
