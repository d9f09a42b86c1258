"""Decisions, and trails and chains that tests look into."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lightspeed_core.audit.chain import Seal
from lightspeed_core.audit.decision import Decision, Outcome, render_decision
from lightspeed_core.audit.files import ChainFiles

NOON = 1_763_726_400.25
"""2025-11-21 12:00 UTC, and a quarter of a second."""

DAY = 86_400.0

DECISION = Decision(
    at=NOON,
    request_id="r1",
    outcome=Outcome.DENIED,
    status=403,
    code="forbidden",
    user_id="ann",
    module="noop",
    client="127.0.0.1",
    action="query",
    method="POST",
    resource={"route": "/v1/query"},
)


@dataclass
class HeardTrail:
    """Keeps every decision in memory."""

    heard: list[Decision] = field(default_factory=list[Decision])

    def record(self, decision: Decision) -> None:
        self.heard.append(decision)

    def require_open(self) -> None:
        pass


@dataclass
class Clock:
    """Says what time it is until told otherwise."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


def decisions(count: int, **changes: object) -> list[str]:
    """Return the records of decisions, each with a request id of its own."""
    some = replace(DECISION, **changes)  # pyright: ignore[reportArgumentType] # the test names fields
    return [render_decision(replace(some, request_id=f"r{number}")) for number in range(count)]


def a_chain(directory: Path, clock: Clock | None = None, **settings: Any) -> ChainFiles:
    """Return a chain that can be written to."""
    chain = ChainFiles(directory, settings.pop("seal", Seal()), clock=clock or Clock(), **settings)
    chain.prepare()
    return chain


def files_of(directory: Path) -> list[Path]:
    """Return the files of a chain, the oldest first."""
    return sorted(directory.glob("audit-*.jsonl"))


def records_of(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return all records of files; of a line that is being written, nothing."""
    lines = [line for file in files for line in file.read_text().splitlines(keepends=True)]
    return [json.loads(line) for line in lines if line.endswith("\n")]
