"""Deletes feedback and transcripts by age, while services write them and an exporter takes them.

It touches only files that have names of ours at the depth where ours lie.
"""

import asyncio
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from lightspeed_core.user_data.files import remove_empty

logger = logging.getLogger(__name__)

FEEDBACK_DEPTH: Final = 0
TRANSCRIPT_DEPTH: Final = 2
"""How many directories lie between a root and its files."""

_FILES_AT_ONCE: Final = 200
_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# A killed process may have left what it had not finished yet.
_OURS: Final = re.compile(rf"{_UUID}\.json|\.{_UUID}\.[0-9a-f]{{32}}\.tmp")


class FileRetention:
    """Keeps the files of one root for as long after they were written as `keep` says.

    Harmless on several workers and hosts.
    """

    def __init__(self, root: Path, *, kind: str, depth: int, keep: timedelta) -> None:
        self._root = root
        self._kind = kind
        self._depth = depth
        self._keep = keep

    async def sweep(self) -> None:
        """Delete what is older, some at a time in a thread."""
        before = time.time() - self._keep.total_seconds()
        files = _files_below(self._root, self._depth)
        outcome = Counter[bool]()
        is_more = True
        while is_more:
            is_more = await asyncio.to_thread(self._sweep_some, files, before, outcome)
        if outcome:
            logger.info(
                "%s files were deleted by age count=%d failed=%d",
                self._kind,
                outcome[True],
                outcome[False],
            )

    def _sweep_some(self, files: Iterator[Path], before: float, outcome: Counter[bool]) -> bool:
        """Count in `outcome` what was deleted and what could not be; false at the end."""
        looked_at = 0
        for file in islice(files, _FILES_AT_ONCE):
            looked_at += 1
            try:
                if file.lstat().st_mtime >= before:
                    continue
                file.unlink()
            except FileNotFoundError:
                continue  # the exporter was first, or another worker
            except OSError as error:
                outcome[False] += 1
                logger.warning("file was not deleted by age path=%s cause=%s", file, error)
            else:
                outcome[True] += 1
                remove_empty(file.parent, self._root)
        return looked_at > 0


def _files_below(directory: Path, depth: int) -> Iterator[Path]:
    """Yield our files; directories may vanish at any time, links are not followed."""
    try:
        entries = os.scandir(directory)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if depth and entry.is_dir(follow_symlinks=False):
                yield from _files_below(directory / entry.name, depth - 1)
            elif not depth and _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                yield directory / entry.name
