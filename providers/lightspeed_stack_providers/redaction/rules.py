"""Takes values out of a text, and remembers what stood where, if it is to be put back.

It knows neither stack nor turn.
"""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any, Final

from lightspeed_stack_providers.patterns import compile_pattern
from lightspeed_stack_providers.redaction.config import KEY_VARIABLE, RedactionConfig, Rule
from lightspeed_stack_providers.redaction.detectors import Detector, find

_DIGEST_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without the values, and the values by the placeholder that stands for each."""

    text: str
    restore: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    is_placeholder: bool = False


class Redactor:
    """Applies the detectors, then the rules in their order.

    A placeholder names its kind and, where values are put back, a keyed digest of the value: the
    same value has the same placeholder in all processes that have the key of the environment, else
    as long as the process runs, and nobody else can compute it.
    """

    def __init__(self, config: RedactionConfig) -> None:
        self._config = config
        drawn = os.environ.get(KEY_VARIABLE, "").encode() or secrets.token_bytes(16)
        self._key = hashlib.blake2b(drawn, digest_size=16, person=b"redaction").digest()
        self._rules = [(rule, _compiled(rule, config)) for rule in config.rules]

    def redact(self, text: str) -> Redacted:
        """Take everything out; raises `TimeoutError` when that computes too long."""
        deadline = time.monotonic() + self._config.seconds
        restore: dict[str, str] = {}
        pieces = [_Piece(text)]
        for detector in self._config.detect:
            pieces = _apply(pieces, partial(self._detected, detector, restore))
        for rule, pattern in self._rules:
            pieces = _apply(pieces, partial(self._ruled, rule, pattern, restore, deadline))
        return Redacted("".join(piece.text for piece in pieces), restore)

    def _detected(self, detector: Detector, restore: dict[str, str], text: str) -> Iterator[_Piece]:
        end = 0
        for start, stop in find(detector, text):
            yield _Piece(text[end:start])
            value = text[start:stop]
            if self._config.reversible:
                yield self._placeholder(detector.upper(), value, restore)
            else:
                yield _Piece(f"[{detector.upper()}]", is_placeholder=True)
            end = stop
        yield _Piece(text[end:])

    def _ruled(
        self, rule: Rule, pattern: Any, restore: dict[str, str], deadline: float, text: str
    ) -> Iterator[_Piece]:
        left = max(deadline - time.monotonic(), 0.001)
        end = 0
        for found in pattern.finditer(text, timeout=left, concurrent=True):
            yield _Piece(text[end : found.start()])
            if self._config.reversible and found[0]:
                label = re.sub(r"\W+", "", rule.replacement).upper() or "REDACTED"
                yield self._placeholder(label, found[0], restore)
            else:
                yield _Piece(found.expand(rule.replacement))
            end = found.end()
        yield _Piece(text[end:])

    def _placeholder(self, label: str, value: str, restore: dict[str, str]) -> _Piece:
        told = value.encode(errors="surrogatepass")
        digest = hashlib.blake2b(told, key=self._key, digest_size=_DIGEST_BYTES)
        placeholder = f"[{label}_{digest.hexdigest()}]"
        restore[placeholder] = value
        return _Piece(placeholder, is_placeholder=True)


def _apply(pieces: list[_Piece], change: Callable[[str], Iterator[_Piece]]) -> list[_Piece]:
    """Change what is no placeholder, and join again what was cut for nothing."""
    changed = (
        new for old in pieces for new in ((old,) if old.is_placeholder else change(old.text))
    )
    joined: list[_Piece] = []
    for is_placeholder, group in groupby(changed, key=lambda piece: piece.is_placeholder):
        if is_placeholder:
            joined.extend(group)
        else:
            joined.append(_Piece("".join(piece.text for piece in group)))
    return joined


def _compiled(rule: Rule, config: RedactionConfig) -> Any:
    is_sensitive = config.case_sensitive if rule.case_sensitive is None else rule.case_sensitive
    return compile_pattern(rule.pattern, ignore_case=not is_sensitive)
