"""Takes decisions without making anybody wait, and writes them in batches beside the event loop."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from lightspeed_core.audit.decision import Decision, render_decision
from lightspeed_core.errors import NotReady

logger = logging.getLogger(__name__)
lines = logging.getLogger("lightspeed_core.audit")

GATHER_SECONDS: Final = 0.05
"""How long decisions gather before they are written together."""

RETRY_SECONDS: Final = 1.0
MOST_WAITING: Final = 10_000
"""How many decisions are held while they cannot be stored."""


class AuditTrail(Protocol):
    """Where decisions go."""

    def record(self, decision: Decision) -> None:
        """Take a decision; waits for nothing and raises nothing."""
        ...

    def require_open(self) -> None:
        """Raise `NotReady` where every decision must be stored and none can be at present."""
        ...


class NoTrail:
    """Writes nothing."""

    def record(self, decision: Decision) -> None:
        """Forget the decision."""

    def require_open(self) -> None:
        """Let everything pass."""


class Chain(Protocol):
    """What keeps records for good."""

    def append(self, records: Sequence[str], *, lost: int = 0) -> None:
        """Return once all records are on the disk; raises `OSError` when they are not.

        `lost` says how many more there were.
        """
        ...


class QueuedTrail:
    """Writes decisions to the log, to a chain, or to both.

    What the chain does not take is held and tried again; what is too much to hold is counted by
    `on_lost`. With `must_store`, requests are refused until the chain takes records again.
    """

    def __init__(
        self,
        *,
        is_logged: bool,
        chain: Chain | None = None,
        must_store: bool = False,
        on_lost: Callable[[int], None] = lambda _: None,
        most_waiting: int = MOST_WAITING,
        retry: float = RETRY_SECONDS,
    ) -> None:
        self._is_logged = is_logged
        self._chain = chain
        self._must_store = must_store
        self._on_lost = on_lost
        self._most_waiting = most_waiting
        self._retry = retry
        self._taken: list[Decision] = []
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "audit")
        # Only the thread touches these two.
        self._waiting: list[str] = []
        self._lost = 0
        self._is_failing = False

    def record(self, decision: Decision) -> None:
        """Take a decision; it is written a moment later."""
        self._taken.append(decision)
        self._arrived.set()

    def require_open(self) -> None:
        """Raise `NotReady` where every decision must be stored and none can be at present."""
        if self._must_store and self._is_failing:
            raise NotReady("Decisions cannot be recorded at present.", retry_after=self._retry)

    async def run(self) -> None:
        """Write what arrives, until cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._retry if self._is_failing else GATHER_SECONDS)
            await self._flush()

    async def close(self) -> None:
        """Write what has arrived, once more where that failed before."""
        await self._flush()
        self._thread.shutdown()
        if self._waiting:
            self._on_lost(len(self._waiting))
            logger.critical("decisions were lost at the end count=%d", len(self._waiting))

    async def _flush(self) -> None:
        self._arrived.clear()
        taken, self._taken = self._taken, []
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._write, taken)
        if self._is_failing:
            self._arrived.set()

    def _write(self, taken: Sequence[Decision]) -> None:
        records = [render_decision(decision) for decision in taken]
        if self._is_logged:
            for record in records:
                lines.info("%s", record)
        if self._chain is not None:
            self._store(self._chain, records)

    def _store(self, chain: Chain, records: Sequence[str]) -> None:
        room = self._most_waiting - len(self._waiting)
        self._waiting += records[:room]
        if (lost := len(records) - room) > 0:
            self._lost += lost
            self._on_lost(lost)
        try:
            chain.append(self._waiting, lost=self._lost)
        except OSError as error:
            if not self._is_failing:
                logger.critical("decisions were not stored, and are held cause=%s", error)
            self._is_failing = True
        else:
            if self._is_failing:
                logger.warning(
                    "decisions are stored again held=%d lost=%d", len(self._waiting), self._lost
                )
            self._waiting, self._lost, self._is_failing = [], 0, False
