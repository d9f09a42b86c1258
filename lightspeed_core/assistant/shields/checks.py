"""Runs shields within their time; where one breaks, the failure mode says what becomes of the text.

It counts what shields say and keeps no text.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lightspeed_core.assistant.shields.shield import (
    Block,
    Direction,
    Pass,
    Rewrite,
    Shield,
    ShieldContext,
    ShieldSettings,
    Verdict,
)
from lightspeed_core.config.safety import FailureMode
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.errors import EngineFailed, LightspeedError

logger = logging.getLogger(__name__)


class ShieldMetrics(Protocol):
    """Where checks are counted."""

    def shield_checked(self, *, shield: str, direction: str, outcome: str, seconds: float) -> None:
        """Count a check; `outcome` is passed, blocked, rewritten, failed_open or failed_closed."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """What a shield said; where it failed, what its failure mode makes of that."""

    shield: str
    verdict: Verdict
    failure: str | None = None

    @property
    def warnings(self) -> tuple[TurnWarning, ...]:
        """What the user is told of a failure."""
        if self.failure is None:
            return ()
        came = "was blocked" if isinstance(self.verdict, Block) else "went through unchecked"
        message = f"Shield {self.shield} {self.failure}, and what it should check {came}."
        return (TurnWarning(code="shield_failed", message=message),)


class Checks:
    """Asks shields of one turn."""

    def __init__(
        self, context: ShieldContext, settings: ShieldSettings, metrics: ShieldMetrics
    ) -> None:
        self._context = context
        self._metrics = metrics
        self.settings = settings

    async def ask(self, shield: Shield, text: str, direction: Direction) -> Checked:
        """Ask one shield; never raises for what the shield does."""
        name = shield.info.identifier
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.settings.seconds):
                verdict = await shield.check(text, direction, self._context)
            checked = Checked(name, _understood(shield, verdict, direction))
        except TimeoutError:
            checked = self._failed(name, direction, "gave no answer in time")
        except LightspeedError as error:
            logger.warning("shield failed shield=%s code=%s: %s", name, error.code, error)
            checked = self._failed(name, direction, "failed")
        except Exception:
            logger.exception("shield broke shield=%s", name)
            checked = self._failed(name, direction, "failed")
        self._metrics.shield_checked(
            shield=name,
            direction=direction.value,
            outcome=_outcome(checked),
            seconds=time.perf_counter() - began,
        )
        return checked

    async def ask_all(
        self, shields: Sequence[Shield], text: str, direction: Direction
    ) -> list[Checked]:
        """Ask several shields at the same time; what they said, in their order.

        The first that blocks ends the others, which then say nothing.
        """
        if len(shields) == 1:
            return [await self.ask(shields[0], text, direction)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.ask(each, text, direction)) for each in shields]
            pending = set(tasks)
            while pending and not any(map(_has_blocked, tasks)):
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
        return [task.result() for task in tasks if not task.cancelled()]

    def _failed(self, name: str, direction: Direction, failure: str) -> Checked:
        logger.warning("shield gave no verdict shield=%s direction=%s", name, direction)
        if self.settings.failure_mode(name, direction) is FailureMode.OPEN:
            return Checked(name, Pass(), failure)
        return Checked(name, Block(self.settings.failure_response), failure)


def _understood(shield: Shield, verdict: object, direction: Direction) -> Verdict:
    """Return a verdict that means something; raises `EngineFailed` for anything else."""
    name = shield.info.identifier
    match verdict:
        case Pass() | Block(str()):
            return verdict
        case Rewrite(str()) if shield.info.may_rewrite or direction is Direction.DOCUMENT:
            return verdict
        case Rewrite():
            raise EngineFailed(f"Shield {name} rewrote a text, which its kind does not.")
        case _:
            raise EngineFailed(f"Shield {name} gave an answer that means nothing.")


def _has_blocked(task: asyncio.Task[Checked]) -> bool:
    return task.done() and isinstance(task.result().verdict, Block)


def _outcome(checked: Checked) -> str:
    is_blocked = isinstance(checked.verdict, Block)
    if checked.failure is not None:
        return "failed_closed" if is_blocked else "failed_open"
    if is_blocked:
        return "blocked"
    return "rewritten" if isinstance(checked.verdict, Rewrite) else "passed"
