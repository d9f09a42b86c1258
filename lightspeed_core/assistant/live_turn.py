"""A turn that this worker runs, with all that its supervisor holds of it."""

import asyncio
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.assistant.journal import TurnJournal
from lightspeed_core.assistant.live import EventLog
from lightspeed_core.assistant.shields.placeholders import Restorer
from lightspeed_core.domain.events import AnswerPaused, QuestionRewritten
from lightspeed_core.domain.turn import Turn


class StopReason(StrEnum):
    """Why a running turn is stopped."""

    USER = "user"
    DISCONNECT = "disconnect"
    SHUTDOWN = "shutdown"
    LEASE_LOST = "lease lost"


@dataclass(slots=True, kw_only=True)
class LiveTurn:
    """A turn that this worker runs.

    `shown` puts back for its readers what shields took out of the question; `sealed` says it to
    other workers, once there is a turn to find.
    """

    context: TurnContext
    log: EventLog
    fold: TurnFold
    journal: TurnJournal
    pause: AnswerPaused | None = None
    task: asyncio.Task[None] | None = None
    stop_reason: StopReason | None = None
    is_ending: bool = False
    flush: asyncio.TimerHandle | None = field(default=None, repr=False)
    shown: Restorer = field(default_factory=Restorer, repr=False)
    sealed: QuestionRewritten | None = field(default=None, repr=False)

    @property
    def begun(self) -> Turn:
        """The turn as it was received, as far as it may be kept."""
        return self.fold.begun

    def go_on_with(self, values: dict[str, str]) -> None:
        """Show values that were taken out of the question before the turn had to wait."""
        self.shown = Restorer(values)
        if self.context.continuation is not None:
            going_on = replace(self.context.continuation, restore=values)
            self.context = replace(self.context, continuation=going_on)
