"""Writing a file that is made from others: whole, for its owner alone, and over none by mistake."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lightspeed_core.cli.arguments import FAILED, PROGRAM


def write_new_file(output: Path, text: str, sources: Sequence[Path], *, force: bool) -> int:
    """Write a file with mode 0600 and return the exit code.

    One of its sources is never written over, another file only with `force`.
    """
    if any(_is_same(output, source) for source in sources):
        return _complain(f"{output} is what is read, and stays as it is; name another file")
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(output, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return _complain(f"{output} exists and stays as it is; name another file")
    except OSError as error:
        return _complain(f"{output} cannot be written: {error.strerror}")
    return 0


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _complain(text: str) -> int:
    print(f"{PROGRAM}: {text}", file=sys.stderr)
    return FAILED
