"""Holds the files of a chain against one another and names the first record that is not right.

It changes nothing and may run beside the service.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lightspeed_core.audit.chain import ORIGIN, BrokenLine, Link, Seal, Sealed
from lightspeed_core.audit.files import HEAD, Head, number_of, read_head


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first record that is not right: where it is, and what is wrong."""

    file: str
    line: int
    seq: int | None
    text: str


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found; without a flaw the chain is as it was written."""

    files: int = 0
    records: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    last_hash: str | None = None
    since: str | None = None
    until: str | None = None
    is_end_known: bool = False
    notes: list[str] = field(default_factory=list[str])
    flaw: Flaw | None = None


class WrongKey(Exception):
    """The chain cannot be verified with what was given; says what is needed."""


class _Broken(Exception):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.text)
        self.flaw = flaw


def verify_directory(directory: Path, seal: Seal) -> Verdict:
    """Verify a whole chain; raises `OSError`, and `WrongKey` for a chain that has one."""
    head, sizes = read_head(directory, seal)
    walk = _Walk(seal, ORIGIN if head is None else head.link)
    try:
        for path, size in sorted(sizes.items(), key=lambda item: number_of(item[0])):
            walk.file(path, size, _noted_end(head, path))
        walk.check_end(head)
        walk.check_beginning()
    except _Broken as broken:
        walk.verdict.flaw = broken.flaw
    walk.finish()
    return walk.verdict


def verify_file(path: Path, seal: Seal) -> Verdict:
    """Verify one file by itself: neither its beginning nor its end can be known."""
    walk = _Walk(seal)
    try:
        walk.file(path, path.stat().st_size)
    except _Broken as broken:
        walk.verdict.flaw = broken.flaw
    walk.finish()
    return walk.verdict


def _noted_end(head: Head | None, path: Path) -> int | None:
    return head.size if head is not None and number_of(path) == head.file else None


class _Walk:
    """Goes from record to record and remembers the one before."""

    def __init__(self, seal: Seal, noted: Link = ORIGIN) -> None:
        self.verdict = Verdict()
        self._seal = seal
        self._first: tuple[str, Sealed] | None = None
        self._last: Link | None = None
        self._at = ("", 0)
        self._noted = noted
        self._is_noted_met = True
        self._expired: set[Link] = set()
        self._told = Counter[str]()

    def file(self, path: Path, size: int, noted_end: int | None = None) -> None:
        """Verify the first `size` bytes of a file; raises `_Broken` at the first flaw.

        Behind `noted_end` a process may have been killed in the middle of a line.
        """
        self.verdict.files += 1
        position = 0
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if position >= size:
                    break
                self._at = (path.name, number)
                if not line.endswith(b"\n"):
                    self._unfinished(is_noted=noted_end is None or position < noted_end)
                    break
                self._line(number, line.rstrip(b"\n"))
                position += len(line)

    def _unfinished(self, *, is_noted: bool) -> None:
        if is_noted:
            raise self._flaw("it is cut off")
        self.verdict.notes.append(
            "the last line is not whole: a process was ended while it wrote; "
            "the next one that writes cuts it off"
        )

    def _line(self, number: int, line: bytes) -> None:
        try:
            sealed = self._seal.open(line)
        except BrokenLine as broken:
            self._check_key(line, is_first=self._last is None)
            raise self._flaw(str(broken)) from broken
        if number == 1:
            self._check_opening(sealed)
        self._check_place(sealed)
        self._count(sealed)

    def _check_key(self, line: bytes, *, is_first: bool) -> None:
        """Say so when nothing but the key is wrong with the very first line."""
        other = b'"algorithm":"hmac-sha256"'
        if is_first and self._seal.algorithm == "sha256" and other in line:
            raise WrongKey("the chain has a key (HMAC-SHA256): name the file that holds it")

    def _check_opening(self, sealed: Sealed) -> None:
        if sealed.fields.get("event") != "opened":
            raise self._flaw("it does not open the file: lines before it are missing", sealed)

    def _check_place(self, sealed: Sealed) -> None:
        before = sealed.before
        if self._last is None:
            self._first = (self._at[0], sealed)
            return
        if before.seq > self._last.seq:
            missing = _span(self._last.seq + 1, before.seq)
            raise self._flaw(f"{missing} before it", sealed)
        if before.seq < self._last.seq:
            raise self._flaw(f"it stands behind record {self._last.seq}", sealed)
        if before.hash != self._last.hash:
            raise self._flaw("it was not written behind the record that is before it", sealed)

    def _count(self, sealed: Sealed) -> None:
        verdict, fields = self.verdict, sealed.fields
        self._last = sealed.link
        verdict.records += 1
        verdict.first_seq = verdict.first_seq or sealed.link.seq
        verdict.last_seq, verdict.last_hash = sealed.link.seq, sealed.link.hash
        verdict.since = verdict.since or str(fields["time"])
        verdict.until = str(fields["time"])
        match fields.get("event"):
            case "expired":
                self._expired.add(Link(fields["last_seq"], fields["last_hash"]))
            case "lost":
                self._told["lost"] += fields["count"]
            case "repaired" | "recovered" as event:
                self._told[event] += 1
            case _:
                pass
        if sealed.link.seq == self._noted.seq:
            self._is_noted_met = sealed.link == self._noted

    def check_end(self, head: Head | None) -> None:
        """Hold the end against what was noted."""
        if head is None:
            raise self._flaw(f"{HEAD} beside it is missing or not ours: what followed is not known")
        last = self._last.seq if self._last else 0
        if last < head.link.seq:
            raise self._flaw(f"{_span(last + 1, head.link.seq)} behind it")
        if not self._is_noted_met:
            raise self._flaw(f"record {head.link.seq} is not the one that was written")
        self.verdict.is_end_known = True

    def check_beginning(self) -> None:
        """Hold the beginning against what a record says of files that went by age."""
        if self._first is None:
            return
        name, first = self._first
        before = first.before
        if before == ORIGIN:
            return
        if before not in self._expired:
            self._at = (name, 1)
            text = f"{_span(1, before.seq)} before it, and no record says that they expired"
            raise self._flaw(text, first)
        self.verdict.notes.append(f"records up to {before.seq} expired, as a record says")

    def finish(self) -> None:
        """Say what the records themselves tell of."""
        texts: Mapping[str, str] = {
            "lost": "decisions could not be stored and are not in the chain",
            "repaired": "times a line was cut off that a process had not finished",
            "recovered": f"times {HEAD} was missing and the chain went on from its last record",
        }
        self.verdict.notes += [f"{self._told[key]} {texts[key]}" for key in self._told]

    def _flaw(self, text: str, sealed: Sealed | None = None) -> _Broken:
        file, line = self._at
        return _Broken(Flaw(file, line, sealed.link.seq if sealed else None, text))


def _span(first: int, last: int) -> str:
    """Say which records are missing."""
    if first == last:
        return f"record {first} is missing"
    return f"records {first} to {last} are missing"


def render_verdict(where: Path, verdict: Verdict) -> Sequence[str]:
    """Return what was found as lines for people."""
    lines = [
        f"{where}: {verdict.records} records in {verdict.files} files"
        + (
            f", {verdict.first_seq} to {verdict.last_seq}, {verdict.since} to {verdict.until}"
            if verdict.records
            else ""
        )
    ]
    lines += [f"note: {note}" for note in verdict.notes]
    if (flaw := verdict.flaw) is not None:
        number = "" if flaw.seq is None else f" (record {flaw.seq})"
        lines.append(
            f"BROKEN: {where / flaw.file if where.is_dir() else where}, "
            f"line {flaw.line}{number}: {flaw.text}"
        )
        return lines
    if not verdict.is_end_known:
        lines.append("note: one file alone tells neither what was before it nor what followed")
    lines.append(f"whole; the last record's hash is {verdict.last_hash}")
    return lines
