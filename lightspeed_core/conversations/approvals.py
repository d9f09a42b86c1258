"""Turns that wait until a person has allowed what their model wants to do, and the answers.

A waiting turn is no worker's: it is a row with all that is needed to go on, and whoever hears the
last answer takes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import Conflict, NotFound

# How long after the time to answer a turn keeps its place while no worker runs that ends it.
HELD_BEYOND: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What a turn waits for, and where it goes on then, as the assistant has encoded it."""

    checkpoint: str
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a user says of a call."""

    approve: bool
    reason: str | None = None

    @property
    def state(self) -> ApprovalState:
        """What becomes of the approval."""
        return ApprovalState.APPROVED if self.approve else ApprovalState.DENIED


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedTurn:
    """A turn that goes on: all its approvals are answered, and this worker leases it."""

    turn: Turn
    journal: tuple[JournalBatch, ...]
    pause: Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An approval with its answer; `paused` is its turn, where that was the last one open."""

    approval: Approval
    paused: PausedTurn | None = None


class ApprovalStore(Protocol):
    """Keeps waiting turns and approvals. Raises `StoreUnavailable` where nothing answers."""

    async def pause(self, turn: Turn, last_batch: JournalBatch | None, pause: Pause) -> bool:
        """Store a turn that waits from now on, and let go of it; its place stays taken.

        False, with nothing stored, where the turn is no longer this worker's or should stop.
        """
        ...

    async def answer(self, approval_id: str, answer: Answer) -> Answered:
        """Note an answer; of several workers one gets the turn whose last answer it was.

        Raises `NotFound` for an approval that is unknown or expired, and `Conflict` for one that
        was answered.
        """
        ...

    async def take(self, turn_id: str, *, left_open: ApprovalState) -> PausedTurn | None:
        """Take a turn that waits, its open approvals settled as told; None when it does not."""
        ...

    async def overdue(self) -> Sequence[str]:
        """Return the turns that wait for an approval whose time is over."""
        ...

    async def find(self, approval_id: str) -> Approval | None:
        """Return an approval, or None."""
        ...

    async def open_of(self, user_id: str) -> Sequence[Approval]:
        """Return the approvals that a user may still answer, the oldest first."""
        ...

    async def purge(self, older_than: timedelta) -> None:
        """Drop approvals that were answered, or expired, longer ago than that."""
        ...


def no_such_approval(approval_id: str) -> NotFound:
    """Return the error of an approval that is unknown or whose time is over."""
    return NotFound("approval", approval_id)


def already_answered(approval: Approval) -> Conflict:
    """Return the error of a second answer."""
    return Conflict(
        "Approval was already answered",
        f"Approval with ID {approval.approval_id} is {approval.state} already",
    )
