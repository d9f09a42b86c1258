"""Shields for tests: they say what a test wants to be said, and remember what they saw."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from lightspeed_core.assistant.shields.checks import Checks
from lightspeed_core.assistant.shields.shield import (
    Block,
    Direction,
    Pass,
    Rewrite,
    ShieldContext,
    ShieldSettings,
    Verdict,
)
from lightspeed_core.engine.types import ShieldInfo
from tests.support.scripted_engine import ScriptedEngine


@dataclass
class PlannedShield:
    """Says what `judge` says of a text, which for faults may be anything, or raises."""

    name: str
    judge: Callable[[str], object]
    may_rewrite: bool = False
    reads_documents: bool = False
    gate: asyncio.Event | None = None
    seen: list[str] = field(default_factory=list[str])

    @property
    def info(self) -> ShieldInfo:
        return ShieldInfo(
            identifier=self.name,
            provider_id="planned",
            provider_resource_id=self.name,
            may_rewrite=self.may_rewrite,
        )

    async def check(self, text: str, _direction: Direction, _context: ShieldContext) -> Verdict:
        self.seen.append(text)
        if self.gate is not None:
            await self.gate.wait()
        return cast("Verdict", self.judge(text))


def blocking(name: str, word: str, *, text: str = "No.") -> PlannedShield:
    """Block texts that hold the word."""
    return PlannedShield(name, lambda seen: Block(text) if word in seen else Pass())


def replacing(
    name: str, pattern: str, replacement: str, restore: Mapping[str, str] | None = None
) -> PlannedShield:
    """Rewrite texts that a pattern occurs in."""

    def judge(seen: str) -> Verdict:
        changed = re.sub(pattern, replacement, seen)
        return Pass() if changed == seen else Rewrite(changed, restore or {})

    return PlannedShield(name, judge, may_rewrite=True)


@dataclass
class CountedChecks:
    """Where shields count in tests."""

    outcomes: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    def shield_checked(self, *, shield: str, direction: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.outcomes.append((shield, direction, outcome))


def checks_of(metrics: CountedChecks | None = None, **settings: Any) -> Checks:
    """Return checks over an engine that nobody asks."""
    context = ShieldContext(engine=ScriptedEngine(), question="Which?")
    return Checks(context, ShieldSettings(**settings), metrics or CountedChecks())
