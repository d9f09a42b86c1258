"""The façade that the API calls: start a turn, follow it again, let it go on, stop it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from lightspeed_core.assistant.admission import CountedSource
from lightspeed_core.assistant.approvals import Answering, ApprovalDesk
from lightspeed_core.assistant.arrivals import Arrivals
from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.infer import infer
from lightspeed_core.assistant.live import EventLog, EventSource
from lightspeed_core.assistant.prepare import prepare_turn
from lightspeed_core.assistant.replay import StoredTurnSource, UnbrokenSource
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.supervisor import Pipeline, StopReason, TurnSupervisor
from lightspeed_core.conversations.approvals import Answered
from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import Turn
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import Forbidden, NotFound
from lightspeed_core.observability.notes import note
from lightspeed_core.quota.account import Quotas, QuotasOfRoutes

_RESOURCE = "streaming request"


class Interruption(StrEnum):
    """What a wish to stop a turn came to."""

    REQUESTED = "requested"
    ALREADY_COMPLETED = "already_completed"


class Assistant:
    """Answers questions, one turn each."""

    def __init__(
        self,
        *,
        engine: Engine,
        desk: ApprovalDesk,
        supervisor: TurnSupervisor,
        pipeline: Pipeline,
        settings: AssistantSettings,
        quotas: QuotasOfRoutes,
    ) -> None:
        self._engine = engine
        self._store = desk.store
        self._supervisor = supervisor
        self._pipeline = pipeline
        self._settings = settings
        self.admissions = desk.admissions
        self._quotas = quotas
        self._desk = desk
        self._arrivals = Arrivals()

    async def start(self, request: TurnRequest, caller: Identity) -> EventSource:
        """Start a turn and return its events once the first exists.

        Every refusal before that is raised, that for want of room first; later failures are events.
        """
        with self.admissions.turns.place(caller.user_id) as place:
            async with self._arrivals.in_order(request.conversation_id):
                context = await self._prepare(request, caller, self._quotas.turns)
                live = await self._supervisor.receive(context)
            note(conversation_id=live.begun.conversation_id, turn_id=live.begun.turn_id)
            # The turn goes on when its client does not, and its place is taken as long.
            log = await self._supervisor.run(live, place.hand_over())
            return self._unbroken(log, live.begun, caller, is_reader=False)

    async def infer(self, request: TurnRequest, caller: Identity) -> Turn:
        """Answer without a conversation; nothing is stored. Cancelling the call ends the turn."""
        with self.admissions.turns.place(caller.user_id):
            prepared = self._prepare(request, caller, self._quotas.infer)
            return await infer(prepared, self._pipeline)

    async def resume(self, turn_id: str, caller: Identity) -> EventSource:
        """Return the events of a turn of this caller, live or from the journal.

        Raises `NotFound` for a turn that is unknown or ended too long ago, `Forbidden` for
        another user's.
        """
        if live := self._supervisor.find(turn_id):
            _check_owner(live.begun, caller, "access")
            source: EventSource = self._unbroken(live.log, live.begun, caller, is_reader=True)
        else:
            turn = await self._stored(turn_id)
            _check_owner(turn, caller, "access")
            source = self._from_store(turn, caller)
        return self._counted(source, caller)

    async def interrupt(self, turn_id: str, caller: Identity) -> Interruption:
        """Stop a turn of this caller, wherever it runs; effective within a second.

        Raises as `resume` does.
        """
        if live := self._supervisor.find(turn_id):
            _check_owner(live.begun, caller, "interrupt")
            stopped = self._supervisor.stop(turn_id, StopReason.USER)
            return Interruption.REQUESTED if stopped else Interruption.ALREADY_COMPLETED
        turn = await self._stored(turn_id)
        _check_owner(turn, caller, "interrupt")
        if turn.state.is_final:
            return Interruption.ALREADY_COMPLETED
        await self._store.request_interrupt(turn_id)
        # One that waits is run by nobody who could see the wish.
        await self._desk.interrupt(turn_id)
        return Interruption.REQUESTED

    async def approvals(self, caller: Identity) -> Sequence[Approval]:
        """Return the open questions whether tools may be called, of the caller's own turns."""
        return await self._desk.open_of(caller)

    async def answer(self, answering: Answering, caller: Identity) -> Answered:
        """Answer such a question; after the last answer the turn goes on here.

        Raises `NotFound` for a question that is unknown or whose time is over, `Forbidden` for
        another user's, `Conflict` for one that was answered, and what `start` does where there is
        no room.
        """
        await self._desk.check_owner(answering.approval_id, caller)
        return await self._desk.answer(answering, caller)

    def abandon(self, turn_id: str) -> None:
        """Note that a client went away; the turn goes on unless set otherwise.

        Where it is, the last of its readers stops it.
        """
        live = self._supervisor.find(turn_id) if self._settings.cancel_on_disconnect else None
        if live is not None and not live.log.has_readers:
            self._supervisor.stop(turn_id, StopReason.DISCONNECT)

    async def _prepare(self, request: TurnRequest, caller: Identity, quotas: Quotas) -> TurnContext:
        return await prepare_turn(
            request,
            caller,
            engine=self._engine,
            store=self._store,
            settings=self._settings,
            quotas=quotas,
        )

    def _unbroken(
        self, log: EventLog, turn: Turn, caller: Identity, *, is_reader: bool
    ) -> EventSource:
        def rest(seen: int) -> EventSource:
            source = self._from_store(turn, caller, seen=seen)
            # A turn that waits has left its place: who stays to hear of it is a reader from then.
            return source if is_reader else self._counted(source, caller)

        return UnbrokenSource(log, rest)

    def _counted(self, source: EventSource, caller: Identity) -> EventSource:
        return CountedSource(source, self.admissions.readers, caller.user_id)

    def _from_store(self, turn: Turn, caller: Identity, *, seen: int = 0) -> EventSource:
        return StoredTurnSource(
            turn.turn_id,
            self._store,
            heartbeat=self._settings.heartbeat,
            left=self._quotas.turns.account(caller, turn.model).left,
            seal=self._settings.seal,
            seen=seen,
        )

    async def _stored(self, turn_id: str) -> Turn:
        turn = await self._store.find_turn(turn_id)
        if turn is None or self._is_past(turn):
            raise NotFound(_RESOURCE, turn_id)
        return turn

    def _is_past(self, turn: Turn) -> bool:
        window = timedelta(seconds=self._settings.resume_window)
        return turn.completed_at is not None and datetime.now(UTC) - turn.completed_at > window


def _check_owner(turn: Turn, caller: Identity, verb: str) -> None:
    note(conversation_id=turn.conversation_id, turn_id=turn.turn_id)
    if turn.user_id != caller.user_id:
        note(owner=turn.user_id)
        raise Forbidden(
            f"User does not have permission to {verb} this streaming request",
            f"User {caller.user_id} does not own streaming request with ID {turn.turn_id}",
        )
