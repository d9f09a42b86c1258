"""What a worker does for turns beside running them.

It keeps its leases, hears wishes to stop, settles the turns of workers that died, ends the time to
answer, and drops the journals that nobody may resume any more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from lightspeed_core.assistant.approvals import ApprovalDesk
from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.assistant.journal import read_journal
from lightspeed_core.assistant.record import TurnRecorder
from lightspeed_core.assistant.supervisor import StopReason, TurnSupervisor
from lightspeed_core.conversations.models import ExpiredTurn
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.errors import StoreUnavailable

logger = logging.getLogger(__name__)

RENEWAL_SECONDS = 0.5
RECOVERY_SECONDS = 2.0
PURGE_SECONDS = 60.0


def settle(expired: ExpiredTurn) -> Turn:
    """Return a dead worker's turn as far as its journal can be read, interrupted."""
    fold = TurnFold(expired.turn)
    for event in read_journal(expired.turn.turn_id, expired.journal):
        fold.add(event)
    return fold.result(TurnState.INTERRUPTED)


class TurnKeeper:
    """Runs the periodic work until its task is cancelled."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        supervisor: TurnSupervisor,
        recorder: TurnRecorder,
        desk: ApprovalDesk,
        resume_window: timedelta,
    ) -> None:
        self._store = store
        self._supervisor = supervisor
        self._recorder = recorder
        self._desk = desk
        self._resume_window = resume_window

    async def run(self) -> None:
        """Work until cancelled; what fails is tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(repeat(self.renew, RENEWAL_SECONDS))
            group.create_task(repeat(self.recover, RECOVERY_SECONDS))
            group.create_task(repeat(self.expire, RECOVERY_SECONDS))
            group.create_task(repeat(self.purge, PURGE_SECONDS))

    async def renew(self) -> None:
        """Prolong the leases of the turns that run here and stop those that must stop."""
        leased = self._supervisor.leased_turns
        if not leased:
            return
        signs = await self._store.renew_leases(leased)
        for turn_id in signs.interrupted:
            self._supervisor.stop(turn_id, StopReason.USER)
        for turn_id in signs.lost:
            # One that ended while its lease was renewed may be deleted already.
            if self._supervisor.stop(turn_id, StopReason.LEASE_LOST):
                logger.warning("lease was lost turn_id=%s", turn_id)

    async def recover(self) -> None:
        """Settle the turns whose worker died."""
        for expired in await self._store.claim_expired():
            turn = settle(expired)
            logger.warning("turn of a lost worker was settled turn_id=%s", turn.turn_id)
            await self._recorder.record(turn, None)

    async def expire(self) -> None:
        """Let the turns go on whose users did not answer in time, as if they had denied."""
        await self._desk.expire()

    async def purge(self) -> None:
        """Drop the journals that can no longer be resumed, and answers of long ago."""
        await self._store.purge_journal(self._resume_window)
        await self._desk.purge()


async def repeat(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Do the work every so many seconds; no failure of it ends that."""
    while True:
        try:
            await work()
        except StoreUnavailable as error:
            logger.warning("periodic work failed work=%s cause=%s", work.__name__, error.cause)
        except Exception:
            logger.exception("periodic work broke work=%s", work.__name__)
        await asyncio.sleep(seconds)
