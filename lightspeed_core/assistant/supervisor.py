"""The life of turns: each runs in a task of the service and not of its reader.

A refusal becomes the caller's exception, a later failure an event; a lost connection loses
nothing; a wish to stop reaches the worker that runs the turn; shutdown drains.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.assistant.journal import (
    JOURNAL_INTERVAL_SECONDS,
    TurnJournal,
    read_journal,
)
from lightspeed_core.assistant.live import EventLog, terminal_event
from lightspeed_core.assistant.live_turn import LiveTurn, StopReason
from lightspeed_core.assistant.markdown import close_open_constructs
from lightspeed_core.assistant.pausing import leave_to_store
from lightspeed_core.assistant.record import TurnRecorder
from lightspeed_core.assistant.shields.placeholders import Restorer
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.events import (
    AnswerPaused,
    ModelAccepted,
    ModelEvent,
    ModelFinished,
    QuestionRewritten,
    TextDelta,
    TurnEvent,
    TurnStarted,
)
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.errors import (
    EngineUnavailable,
    InternalError,
    LightspeedError,
    StoreUnavailable,
)

logger = logging.getLogger(__name__)

_STOPPED = "\n\n*Response stopped by the user.*"

type OnAnswered = Callable[[TurnContext, Turn], None]
type Pipeline = Callable[[TurnContext], AsyncGenerator[TurnEvent | ModelEvent]]


class TurnSupervisor:
    """Runs turns in a task group that outlives requests.

    `on_answered` is called after the end of every turn that a user may want to find again: one
    that was completed, or stopped by the user.
    """

    def __init__(
        self,
        *,
        group: asyncio.TaskGroup,
        store: ConversationStore,
        recorder: TurnRecorder,
        pipeline: Pipeline,
        on_answered: OnAnswered,
        settings: AssistantSettings,
    ) -> None:
        self._group = group
        self._store = store
        self._recorder = recorder
        self._pipeline = pipeline
        self._on_answered = on_answered
        self._settings = settings
        self._live: dict[str, LiveTurn] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_draining = False

    @property
    def leased_turns(self) -> tuple[str, ...]:
        """The ids of the turns that run here and that the store knows."""
        return tuple(
            turn_id
            for turn_id, live in self._live.items()
            if not live.context.is_new or live.log.has_begun
        )

    def find(self, turn_id: str) -> LiveTurn | None:
        """Return a turn that runs here, or None."""
        return self._live.get(turn_id)

    async def receive(self, context: TurnContext) -> LiveTurn:
        """Take a turn; returns when its place among those of its conversation is certain.

        Raises `EngineUnavailable` during shutdown.
        """
        self.check_open()
        turn = context.kept
        if not context.is_new:
            await self._store.begin(turn)
        return LiveTurn(
            context=context,
            log=EventLog(turn.turn_id, heartbeat=self._settings.heartbeat),
            fold=TurnFold(turn),
            journal=TurnJournal(turn.turn_id, self._store.append_journal),
        )

    async def run(self, live: LiveTurn, on_end: Callable[[], None]) -> EventLog:
        """Run a turn; returns once its first event exists and raises what refused it before.

        `on_end` is called once when the turn has ended, also where nobody waits for it any more.
        """
        self._launch(live, on_end)
        await live.log.first_event()
        if live.context.is_new and self._store.is_shared:
            # Its ids are known to nobody before this, and good on every worker after it.
            await self._store.opened(live.begun)
        return live.log

    @property
    def is_draining(self) -> bool:
        """Say whether no more turns are taken."""
        return self._is_draining

    def check_open(self) -> None:
        """Raise `EngineUnavailable` during shutdown."""
        if self._is_draining:
            raise _shutting_down()

    def go_on(
        self,
        context: TurnContext,
        journal: Sequence[JournalBatch],
        on_end: Callable[[], None],
        *,
        stopped_by: StopReason | None = None,
    ) -> EventLog:
        """Run a turn further that waited for its user, or only to its end where it is stopped.

        Its log and its record begin with what is in its journal.
        """
        turn = context.begun
        live = LiveTurn(
            context=context,
            log=EventLog(turn.turn_id, heartbeat=self._settings.heartbeat),
            fold=TurnFold(turn),
            journal=TurnJournal(
                turn.turn_id,
                self._store.append_journal,
                index=max((batch.index for batch in journal), default=-1) + 1,
            ),
            stop_reason=stopped_by,
        )
        for event in read_journal(turn.turn_id, journal):
            live.fold.add(event)
            if isinstance(event, QuestionRewritten):
                live.go_on_with(self._settings.seal.open(event.sealed, turn.turn_id))
            else:
                live.log.publish(live.shown.event(event))
        self._launch(live, on_end)
        return live.log

    def _launch(self, live: LiveTurn, on_end: Callable[[], None]) -> None:
        turn_id = live.begun.turn_id
        self._live[turn_id] = live
        self._idle.clear()
        task = self._group.create_task(self._run(live), name=f"turn {turn_id}")
        # A task that is cancelled before its first step never gets to tidy up by itself.
        task.add_done_callback(lambda _: self._forget(live))
        task.add_done_callback(lambda _: on_end())

    def stop(self, turn_id: str, reason: StopReason) -> bool:
        """Stop a turn that runs here; false when there is none or it has ended."""
        live = self._live.get(turn_id)
        if live is None or live.stop_reason or live.is_ending:
            return False
        live.stop_reason = reason
        if live.task is not None:
            live.task.cancel()
        return True

    async def drain(self) -> None:
        """Take no more turns, give the running ones their time, then stop the rest."""
        self._is_draining = True
        try:
            async with asyncio.timeout(self._settings.drain):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("turns were stopped by shutdown count=%d", len(self._live))
            for turn_id in tuple(self._live):
                self.stop(turn_id, StopReason.SHUTDOWN)
            await self._idle.wait()

    async def _run(self, live: LiveTurn) -> None:
        """Drive one turn to its end; nothing that happens in it reaches the task group."""
        live.task = asyncio.current_task()
        try:
            state, error = await self._drive(live)
            live.is_ending = True
            if live.pause is not None and state is TurnState.COMPLETED:
                state, error = await self._pause(live, live.pause)
            if state.is_final:
                await self._end(live, state, error)
        except Exception:
            logger.exception("turn broke at its end turn_id=%s", live.begun.turn_id)

    async def _drive(self, live: LiveTurn) -> tuple[TurnState, LightspeedError | None]:
        """Run the pipeline and return how it ended."""
        if live.stop_reason is not None:
            return TurnState.INTERRUPTED, None
        starter = asyncio.get_running_loop().call_later(
            self._settings.start_within, self._begin, live
        )
        try:
            await self._play(live)
        except LightspeedError as error:
            return TurnState.FAILED, error
        except asyncio.CancelledError:
            return TurnState.INTERRUPTED, None
        finally:
            starter.cancel()
        return TurnState.COMPLETED, None

    async def _play(self, live: LiveTurn) -> None:
        try:
            async with aclosing(self._pipeline(live.context)) as events:
                async for event in events:
                    self._publish(live, event)
        except LightspeedError:
            raise
        except Exception as error:
            raise InternalError from error

    def _publish(self, live: LiveTurn, event: TurnEvent | ModelEvent) -> None:
        if isinstance(event, TurnStarted):
            self._begin(live)
            return
        live.fold.add(event)
        if isinstance(event, QuestionRewritten):
            self._rewrite(live, event)
            return
        if isinstance(event, AnswerPaused):
            live.pause = event
        if isinstance(event, ModelAccepted | ModelFinished | AnswerPaused):
            return
        self._journal(live, event)
        live.log.publish(live.shown.event(event))

    def _rewrite(self, live: LiveTurn, event: QuestionRewritten) -> None:
        """Keep the question as the shields left it; what they took out is stored sealed."""
        live.shown = Restorer(event.restore)
        sealed = self._settings.seal.close(event.restore, live.begun.turn_id)
        told = replace(event, restore={}, sealed=sealed)
        if not live.context.is_new or live.log.has_begun:
            self._journal(live, told)
        elif sealed is not None:
            live.sealed = told

    def _begin(self, live: LiveTurn) -> None:
        """Publish the first event, once."""
        if live.log.has_begun or live.log.has_ended:
            return
        turn = live.begun
        if live.context.is_new and live.context.continuation is None:
            self._store.begin_new(turn)
        if live.sealed is not None:
            self._journal(live, live.sealed)
        event = TurnStarted(turn.conversation_id, turn.turn_id, turn.model)
        self._journal(live, event)
        live.log.publish(event)

    def _journal(self, live: LiveTurn, event: TurnEvent) -> None:
        if live.journal.add(event):
            live.flush = asyncio.get_running_loop().call_later(
                JOURNAL_INTERVAL_SECONDS, live.journal.flush
            )

    async def _pause(
        self, live: LiveTurn, pause: AnswerPaused
    ) -> tuple[TurnState, LightspeedError | None]:
        """Leave a turn to the store until its user has answered; or say how it has to end."""
        await live.context.account.settle()
        try:
            told = await leave_to_store(self._store, live.context, pause, live.fold, live.journal)
            if not told:
                return await self._why_not_paused(live)
        except StoreUnavailable as error:
            return TurnState.FAILED, error
        # From here on it may be answered, and be run anew by this very worker.
        self._leave(live)
        for event in told:
            live.log.publish(event)
        return TurnState.AWAITING_APPROVAL, None

    async def _why_not_paused(self, live: LiveTurn) -> tuple[TurnState, LightspeedError | None]:
        signs = await self._store.renew_leases([live.begun.turn_id])
        is_wished = live.begun.turn_id in signs.interrupted
        live.stop_reason = StopReason.USER if is_wished else StopReason.LEASE_LOST
        return TurnState.INTERRUPTED, None

    async def _end(self, live: LiveTurn, state: TurnState, error: LightspeedError | None) -> None:
        """Record the turn and publish its terminal event, or refuse it."""
        refusal = None if live.log.has_begun else _refusal(live, state, error)
        if refusal is not None:
            await self._refuse(live, refusal)
            return
        self._begin(live)
        is_stopped_by_user = state is TurnState.INTERRUPTED and live.stop_reason is StopReason.USER
        if is_stopped_by_user:
            closing = close_open_constructs(live.fold.text)
            self._publish(live, TextDelta((closing + _STOPPED,)))
        if error is not None:
            _log_failure(live, error)
        turn = live.fold.result(state, error)
        is_lost = live.stop_reason is StopReason.LEASE_LOST
        turn = await self._record(live, turn, is_lost=is_lost)
        live.log.publish(live.shown.event(terminal_event(turn)))
        if is_stopped_by_user or state is TurnState.COMPLETED:
            self._on_answered(live.context, turn)

    async def _record(self, live: LiveTurn, turn: Turn, *, is_lost: bool) -> Turn:
        """Record the turn and charge for it, where it can be in one transaction."""
        account, batch = live.context.account, live.journal.take()
        if not account.is_counted:
            return await self._recorder.record(turn, batch, is_lost=is_lost)
        async with asyncio.TaskGroup() as group:
            settled = group.create_task(account.settle())
            turn = await self._recorder.record(turn, batch, is_lost=is_lost)
        return replace(turn, available_quotas=settled.result() or await account.left())

    async def _refuse(self, live: LiveTurn, refusal: LightspeedError) -> None:
        """Refuse a turn that has no event yet, and free its conversation."""
        await live.context.account.settle()
        if not live.context.is_new:
            await self._recorder.record(live.fold.result(TurnState.FAILED, refusal), None)
        live.log.refuse(refusal)

    def _forget(self, live: LiveTurn) -> None:
        if live.flush is not None:
            live.flush.cancel()
        if not live.log.has_ended:
            live.log.refuse(InternalError())
        self._leave(live)

    def _leave(self, live: LiveTurn) -> None:
        """Forget a turn, unless it is run anew already."""
        if self._live.get(live.begun.turn_id) is live:
            del self._live[live.begun.turn_id]
        if not self._live:
            self._idle.set()


def _refusal(
    live: LiveTurn, state: TurnState, error: LightspeedError | None
) -> LightspeedError | None:
    """Return what a turn without an event yet is refused with; None when it has to begin."""
    is_unknown_to_all = state is TurnState.INTERRUPTED and live.context.is_new
    return error or (_shutting_down() if is_unknown_to_all else None)


def _shutting_down() -> EngineUnavailable:
    return EngineUnavailable("The service is shutting down.", retry_after=5)


def _log_failure(live: LiveTurn, error: LightspeedError) -> None:
    # A fault of ours is explained by nothing but its traceback.
    fault = error.__cause__ if isinstance(error, InternalError) else None
    logger.warning(
        "turn failed turn_id=%s cause=%s", live.begun.turn_id, error.cause, exc_info=fault
    )
