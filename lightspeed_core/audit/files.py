"""The chain on the disk: numbered files of lines, written by any number of processes of one host.

`audit.head` is their lock, and notes how far the chain has come, so that neither a killed process
nor a hand that cuts off the end goes unnoticed. It knows no record's meaning.
"""

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from lightspeed_core.audit.chain import ORIGIN, BrokenLine, Link, Seal, Sealed
from lightspeed_core.audit.decision import render_record

HEAD: Final = "audit.head"
LARGEST_FILE: Final = 64 * 1024 * 1024

_NAME: Final = re.compile(r"audit-(\d{8,})\.jsonl")
_HEAD_BYTES: Final = 512
_OWNER_ONLY: Final = 0o600
_OWNER_ONLY_DIRECTORY: Final = 0o700


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain has come: the last file, its size in bytes, and its last record."""

    file: int
    size: int
    link: Link
    day: str


@dataclass(frozen=True, slots=True)
class _Found:
    """The chain as it is on the disk, and what was not as it should be."""

    head: Head
    is_broken: bool = False
    events: tuple[dict[str, Any], ...] = ()


class ChainFiles:
    """Appends records; begins a new file each day, and when one is large."""

    def __init__(
        self,
        directory: Path,
        seal: Seal,
        *,
        largest: int = LARGEST_FILE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._seal = seal
        self._largest = largest
        self._clock = clock

    def prepare(self) -> str | None:
        """Make the directory; returns the algorithm of the chain that is there, if any.

        Raises `OSError` when nothing can be written there.
        """
        self._directory.mkdir(mode=_OWNER_ONLY_DIRECTORY, parents=True, exist_ok=True)
        with self._locked() as lock:
            files = list_files(self._directory)
            if not files and _read_head(lock, self._seal) is None:
                # It has its place from now on, also on a disk that is full.
                _write_head(lock, Head(0, 0, ORIGIN, ""), self._seal)
        return algorithm_of(files[-1]) if files else None

    def append(self, records: Sequence[str], *, lost: int = 0) -> None:
        """Return once all records are on the disk; raises `OSError` when they are not.

        `lost` says how many more there were; a record tells of them.
        """
        events = [{"event": "lost", "count": lost}] if lost else []
        with self._locked() as lock:
            self._extend(lock, records, events)

    def expire(self, before: float) -> int:
        """Delete files that were ended before a moment; returns how many.

        A record says what they held before each goes. Raises `OSError`, and `BrokenLine` for a
        chain that is not as it was written.
        """
        with self._locked() as lock:
            ended = list(self._ended(before))
            for path, last in ended:
                event = {
                    "event": "expired",
                    "file": path.name,
                    "last_seq": last.seq,
                    "last_hash": last.hash,
                }
                self._extend(lock, [], [event])
                path.unlink()
            if ended:
                self._sync_directory()
        return len(ended)

    def _ended(self, before: float) -> Iterator[tuple[Path, Link]]:
        """Yield files with their last records, as the first line of the next file tells."""
        files = list_files(self._directory)
        for path, following in pairwise(files):
            with following.open("rb") as file:
                opened = self._seal.open(file.readline().rstrip(b"\n"))
            if datetime.fromisoformat(opened.fields["time"]).timestamp() >= before:
                return
            yield path, opened.before

    def _extend(self, lock: int, records: Sequence[str], events: Sequence[dict[str, Any]]) -> None:
        now = self._clock()
        found = self._find(lock)
        head = found.head
        day = _day(now)
        if found.is_broken or head.day != day or head.size >= self._largest:
            head = self._begin_file(head, now)
        told = [render_record(now, event) for event in (*found.events, *events)]
        written = self._write(head, [*told, *records])
        if written != found.head:
            _write_head(lock, written, self._seal)

    def _find(self, lock: int) -> _Found:
        """Find the end of the chain; takes in what a killed process had written and not noted."""
        head = _read_head(lock, self._seal)
        found = self._recover() if head is None else self._adopt(_Found(head))
        while not found.is_broken and self._path(found.head.file + 1).exists():
            beginning = replace(found.head, file=found.head.file + 1, size=0)
            after = self._adopt(replace(found, head=beginning))
            if after.head.size == 0:
                break
            found = after
        return found

    def _recover(self) -> _Found:
        """Go by the last file where `audit.head` is gone or is not ours."""
        event = {"event": "recovered"}
        files = list_files(self._directory)
        if not files:
            return _Found(Head(0, 0, ORIGIN, ""), is_broken=True, events=(event,))
        last = files[-1]
        start = ORIGIN
        with suppress(BrokenLine), last.open("rb") as file:
            start = self._seal.open(file.readline().rstrip(b"\n")).before
        return self._adopt(_Found(Head(number_of(last), 0, start, ""), events=(event,)))

    def _adopt(self, found: _Found) -> _Found:
        """Follow the chain in a file from where it was known; cuts off what is not a whole line."""
        head = found.head
        path = self._path(head.file)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return replace(found, is_broken=True)
        if size <= head.size:
            return replace(found, is_broken=size < head.size)
        with path.open("rb") as file:
            file.seek(head.size)
            unknown = file.read()
        for line in unknown.splitlines(keepends=True):
            sealed = _following(line, head.link, self._seal)
            if sealed is None:
                break
            begun = sealed.fields.get("event") == "opened"
            day = str(sealed.fields["time"])[:10] if begun else head.day
            head = Head(head.file, head.size + len(line), sealed.link, day)
        rest = unknown[head.size - found.head.size :]
        if b"\n" in rest:
            return replace(found, head=head, is_broken=True)
        if not rest:
            return replace(found, head=head)
        os.truncate(path, head.size)
        event = {"event": "repaired", "file": path.name, "bytes": len(rest)}
        return replace(found, head=head, events=(*found.events, event))

    def _begin_file(self, head: Head, now: float) -> Head:
        number = head.file + 1
        while (path := self._path(number)).exists() and path.stat().st_size:
            number += 1
        begun = Head(number, 0, head.link, _day(now))
        event = {
            "event": "opened",
            "file": path.name,
            "algorithm": self._seal.algorithm,
            "version": 1,
        }
        written = self._write(begun, [render_record(now, event)])
        self._sync_directory()
        return written

    def _write(self, head: Head, records: Sequence[str]) -> Head:
        """Append records and wait for the disk; what was written in part is taken back."""
        if not records:
            return head
        link, content = head.link, bytearray()
        for record in records:
            line, link = self._seal.next(record, link)
            content += line
        file = os.open(self._path(head.file), os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        try:
            _write_all(file, content)
            os.fsync(file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, head.size)
            raise
        finally:
            os.close(file)
        return replace(head, size=head.size + len(content), link=link)

    @contextmanager
    def _locked(self) -> Generator[int]:
        """Hold the chain for this process; the kernel frees it when the process is killed."""
        lock = os.open(self._directory / HEAD, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            os.close(lock)

    def _path(self, number: int) -> Path:
        return self._directory / f"audit-{number:08d}.jsonl"

    def _sync_directory(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def list_files(directory: Path) -> list[Path]:
    """Return the files of a chain in their order."""
    return sorted(
        (path for path in directory.iterdir() if _NAME.fullmatch(path.name)), key=number_of
    )


def number_of(path: Path) -> int:
    """Return the number of a file of a chain; 0 for another file."""
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else 0


def algorithm_of(path: Path) -> str | None:
    """Return how a file says that it is hashed; None for what is no file of a chain."""
    try:
        with path.open("rb") as file:
            return str(json.loads(file.readline())["algorithm"])
    except (ValueError, KeyError, TypeError):
        return None


def read_head(directory: Path, seal: Seal) -> tuple[Head | None, dict[Path, int]]:
    """Return how far a chain has come, and its files with their sizes, of one moment."""
    try:
        lock = os.open(directory / HEAD, os.O_RDONLY)
    except FileNotFoundError:
        return None, {path: path.stat().st_size for path in list_files(directory)}
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        sizes = {path: path.stat().st_size for path in list_files(directory)}
        return _read_head(lock, seal), sizes
    finally:
        os.close(lock)


def _read_head(lock: int, seal: Seal) -> Head | None:
    """Return what was noted last; None when nothing of ours is there."""
    try:
        fields, _ = seal.fields(os.pread(lock, _HEAD_BYTES, 0).rstrip())
        return Head(
            fields["file"], fields["size"], Link(fields["seq"], fields["last"]), fields["day"]
        )
    except (BrokenLine, KeyError):
        return None


def _write_head(lock: int, head: Head, seal: Seal) -> None:
    fields = {
        "file": head.file,
        "size": head.size,
        "seq": head.link.seq,
        "last": head.link.hash,
        "day": head.day,
    }
    line, _ = seal.line(json.dumps(fields, separators=(",", ":")))
    # Of one length and in place: there is no moment at which half of it is there.
    os.pwrite(lock, line.rstrip(b"\n").ljust(_HEAD_BYTES - 1) + b"\n", 0)


def _write_all(file: int, content: bytes | bytearray) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _following(line: bytes, link: Link, seal: Seal) -> Sealed | None:
    """Read a line that follows a record; None for anything else."""
    if not line.endswith(b"\n"):
        return None
    try:
        sealed = seal.open(line[:-1])
    except BrokenLine:
        return None
    return sealed if sealed.before == link else None


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
