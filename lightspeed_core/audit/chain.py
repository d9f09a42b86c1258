"""Lines that hold one another: each has a number, the hash of the one before, and its own.

It reads and writes no file, and knows no record's meaning.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, Final

_HASH: Final = re.compile(rb',"hash":"([0-9a-f]{64})"\}\Z')
_HASH_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Link:
    """The record to which the next one is tied."""

    seq: int
    hash: str


ORIGIN: Final = Link(0, "0" * _HASH_LENGTH)
"""What the first record of all is tied to."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A line whose hash fits its content."""

    link: Link
    previous: str
    fields: dict[str, Any]

    @property
    def before(self) -> Link:
        """Return what the line says of the record before it."""
        return Link(self.link.seq - 1, self.previous)


class BrokenLine(Exception):
    """A line that is not as it was written; says why."""


class Seal:
    """Hashes lines by SHA-256, or by HMAC-SHA256 with a key."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key
        self.algorithm = "sha256" if key is None else "hmac-sha256"

    def hash(self, body: bytes) -> str:
        """Return the hash of a line without its own."""
        if self._key is None:
            return hashlib.sha256(body).hexdigest()
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()

    def line(self, body: str) -> tuple[bytes, str]:
        """Add its hash to one line of JSON; returns the line and the hash."""
        value = self.hash(body.encode("ascii"))
        return f'{body[:-1]},"hash":"{value}"}}\n'.encode("ascii"), value

    def next(self, record: str, after: Link) -> tuple[bytes, Link]:
        """Return the line of a record behind another, and what the next is tied to."""
        seq = after.seq + 1
        body = f'{{"seq":{seq},{record[1:-1]},"previous":"{after.hash}"}}'
        line, value = self.line(body)
        return line, Link(seq, value)

    def fields(self, line: bytes) -> tuple[dict[str, Any], str]:
        """Return what a line holds, and its hash; raises `BrokenLine`."""
        found = _HASH.search(line)
        if found is None:
            raise BrokenLine("it is no record")
        value = found[1].decode()
        if not hmac.compare_digest(self.hash(line[: found.start()] + b"}"), value):
            raise BrokenLine("its content does not fit its hash")
        return json.loads(line), value

    def open(self, line: bytes) -> Sealed:
        """Read a line of the chain; raises `BrokenLine`."""
        fields, value = self.fields(line)
        seq, previous = fields.get("seq"), fields.get("previous")
        if not isinstance(seq, int) or not isinstance(previous, str):
            raise BrokenLine("it has no number or no hash of the record before it")
        return Sealed(Link(seq, value), previous, fields)
