"""The desk where users answer whether tools may be called, and from where turns then go on.

A turn goes on in the worker that heard the last answer. Nobody answers for somebody else.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from lightspeed_core.assistant.admission import Admissions
from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.pausing import Answerer, ready_again
from lightspeed_core.assistant.supervisor import StopReason, TurnSupervisor
from lightspeed_core.conversations.approvals import (
    Answer,
    Answered,
    PausedTurn,
    no_such_approval,
)
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden
from lightspeed_core.observability.notes import note
from lightspeed_core.quota.account import Quotas

logger = logging.getLogger(__name__)


class ApprovalMetrics(Protocol):
    """Where answers are counted."""

    def answered(self, state: str, seconds: float) -> None:
        """Count an answer and how long it took; `state` is that of the approval then."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A user's answer, with its headers and those for servers of tools that came with it."""

    approval_id: str
    answer: Answer
    mcp_headers: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, Mapping[str, str]], repr=False
    )
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)


class ApprovalDesk:
    """Hears answers, and has turns go on.

    A turn that waits takes no place among `admissions`, and needs one to go on.
    """

    def __init__(
        self,
        *,
        store: ConversationStore,
        supervisor: TurnSupervisor,
        settings: AssistantSettings,
        quotas: Quotas,
        metrics: ApprovalMetrics,
    ) -> None:
        self.store = store
        self.admissions = Admissions(
            most=settings.max_streams, most_of_user=settings.max_streams_per_user
        )
        self._supervisor = supervisor
        self._settings = settings
        self._quotas = quotas
        self._metrics = metrics

    async def open_of(self, caller: Identity) -> Sequence[Approval]:
        """Return what the caller may answer, the oldest first."""
        return await self.store.approvals.open_of(caller.user_id)

    async def check_owner(self, approval_id: str, caller: Identity) -> None:
        """Raise `NotFound` for an unknown approval and `Forbidden` for another user's."""
        approval = await self.store.approvals.find(approval_id)
        if approval is None:
            raise no_such_approval(approval_id)
        note(conversation_id=approval.conversation_id, turn_id=approval.turn_id)
        if approval.user_id != caller.user_id:
            note(owner=approval.user_id)
            raise Forbidden(
                "User does not have permission to answer this approval",
                f"User {caller.user_id} does not own approval with ID {approval_id}",
            )

    async def answer(self, answering: Answering, caller: Identity) -> Answered:
        """Note the answer of the approval's owner; after the last one the turn goes on here.

        Nothing is noted that is refused. Raises as `ApprovalStore.answer` and `Admission.place`,
        and `EngineUnavailable` during shutdown.
        """
        with self.admissions.turns.place(caller.user_id) as place:
            self._supervisor.check_open()
            answered = await self.store.approvals.answer(answering.approval_id, answering.answer)
            note(approval=answered.approval.state.value)
            self._count(answered.approval)
            if answered.paused is not None:
                self._go_on(answered.paused, caller, place.hand_over, answering=answering)
            return answered

    async def interrupt(self, turn_id: str) -> None:
        """End a turn that waits; one that does not is left as it is."""
        paused = await self.store.approvals.take(turn_id, left_open=ApprovalState.DENIED)
        if paused is not None:
            stopped_by = StopReason.USER
            self._go_on(paused, _nobody(paused), _no_place, stopped_by=stopped_by)

    async def expire(self) -> None:
        """Deny what was not answered in time, and let those turns go on here, as room allows."""
        if self._supervisor.is_draining:
            return  # another worker does, or this one after its restart
        for turn_id in await self.store.approvals.overdue():
            turn = await self.store.find_turn(turn_id)
            if turn is None or not self.admissions.turns.has_room(turn.user_id):
                continue  # it waits a little longer, or another worker has room
            with self.admissions.turns.place(turn.user_id) as place:
                await self._expire(turn_id, place.hand_over)

    async def _expire(self, turn_id: str, hand_over: Callable[[], Callable[[], None]]) -> None:
        expired = ApprovalState.EXPIRED
        paused = await self.store.approvals.take(turn_id, left_open=expired)
        if paused is None:
            return
        logger.info("approvals expired turn_id=%s", turn_id)
        context = self._go_on(paused, _nobody(paused), hand_over)
        if context.continuation is not None:
            for approval in context.continuation.approvals:
                if approval.state is expired:
                    self._count(approval)

    async def purge(self) -> None:
        """Drop answers that are kept no longer."""
        await self.store.approvals.purge(timedelta(days=self._settings.approval_days))

    def _go_on(
        self,
        paused: PausedTurn,
        caller: Identity,
        hand_over: Callable[[], Callable[[], None]],
        *,
        answering: Answering | None = None,
        stopped_by: StopReason | None = None,
    ) -> TurnContext:
        answerer = Answerer(
            caller=caller,
            account=self._quotas.account(caller, paused.turn.model),
            mcp_headers=answering.mcp_headers if answering else {},
            headers=answering.headers if answering else {},
        )
        context = ready_again(paused, answerer)
        self._supervisor.go_on(context, paused.journal, hand_over(), stopped_by=stopped_by)
        return context

    def _count(self, approval: Approval) -> None:
        if approval.answered_at is not None:
            seconds = (approval.answered_at - approval.created_at).total_seconds()
            self._metrics.answered(approval.state.value, max(seconds, 0.0))


def _nobody(paused: PausedTurn) -> Identity:
    """Return the user of a turn without any right or credential, for nobody is asking."""
    return Identity(user_id=paused.turn.user_id, username="")


def _no_place() -> Callable[[], None]:
    return lambda: None
