"""An assistant for tests of the HTTP layer: it plays events that the test wrote beforehand."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.assistant.assistant import Interruption
from lightspeed_core.assistant.live import EventSource
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.approvals import Answered
from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.events import (
    TextDelta,
    TurnCompleted,
    TurnEvent,
    TurnStarted,
)
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import ModelRef, Turn, TurnState
from lightspeed_core.errors import LightspeedError

CONVERSATION_ID = "123e4567-e89b-42d3-a456-426614174000"
TURN_ID = "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"

type Step = Sequence[TurnEvent] | asyncio.Event | Exception
"""Yield the events in one batch (none: a silence), wait for the event, or raise."""


def turn(text: str = "Hello there", **changes: object) -> Turn:
    """Return a turn that is complete unless `changes` says otherwise."""
    whole = Turn(
        turn_id=TURN_ID,
        conversation_id=CONVERSATION_ID,
        user_id="u1",
        question="Say hello",
        model=ModelRef(provider="scripted", model="model"),
        started_at=datetime(2025, 11, 21, 12, 0, tzinfo=UTC),
        completed_at=datetime(2025, 11, 21, 12, 1, tzinfo=UTC),
        state=TurnState.COMPLETED,
        text=text,
        usage=TokenUsage(input_tokens=7, output_tokens=2),
    )
    return replace(whole, **changes)  # pyright: ignore[reportArgumentType] # the test names fields


APPROVAL = Approval(
    approval_id="5b1e9a3c-0c57-4a1e-9d55-8f3f0c2b7a10",
    turn_id=TURN_ID,
    conversation_id=CONVERSATION_ID,
    user_id="u1",
    call_id="fc_1",
    tool="heat",
    server="home",
    arguments={"room": 2},
    digest="d" * 64,
    created_at=datetime(2025, 11, 21, 12, 0, tzinfo=UTC),
    expires_at=datetime(2025, 11, 21, 12, 5, tzinfo=UTC),
)
STARTED = TurnStarted(CONVERSATION_ID, TURN_ID, ModelRef(provider="scripted", model="model"))


def hello() -> list[Step]:
    """Play a short answer of two tokens, read one by one."""
    return [
        (STARTED,),
        (TextDelta(("Hello",)),),
        (TextDelta((" there",)),),
        (TurnCompleted(turn()),),
    ]


@dataclass
class ScriptedSource:
    """The events of one turn, step by step."""

    steps: Sequence[Step]
    assistant: "ScriptedAssistant"
    turn_id: str = TURN_ID

    async def events(self) -> AsyncGenerator[tuple[TurnEvent, ...]]:
        self.assistant.readers += 1
        try:
            for step in self.steps:
                match step:
                    case asyncio.Event():
                        await step.wait()
                    case Exception():
                        raise step
                    case _:
                        yield tuple(step)
        finally:
            self.assistant.readers -= 1


@dataclass
class ScriptedAssistant:
    """Plays `steps` for every question and notes what it was asked.

    `readers` counts those who have neither read to the end nor gone away.
    """

    steps: Sequence[Step] = field(default_factory=hello)
    refusal: LightspeedError | Exception | None = None
    interruption: Interruption = Interruption.REQUESTED
    started: list[tuple[TurnRequest, Identity]] = field(
        default_factory=list[tuple[TurnRequest, Identity]]
    )
    inference: Turn = field(default_factory=turn)
    inferred: list[tuple[TurnRequest, Identity]] = field(
        default_factory=list[tuple[TurnRequest, Identity]]
    )
    resumed: list[tuple[str, Identity]] = field(default_factory=list[tuple[str, Identity]])
    interrupted: list[tuple[str, Identity]] = field(default_factory=list[tuple[str, Identity]])
    asked_for: list[Identity] = field(default_factory=list[Identity])
    answered: list[tuple[Answering, Identity]] = field(
        default_factory=list[tuple[Answering, Identity]]
    )
    abandoned: list[str] = field(default_factory=list[str])
    readers: int = 0

    async def start(self, request: TurnRequest, caller: Identity) -> EventSource:
        self.started.append((request, caller))
        return self._source()

    async def infer(self, request: TurnRequest, caller: Identity) -> Turn:
        self.inferred.append((request, caller))
        self._refuse()
        return self.inference

    async def resume(self, turn_id: str, caller: Identity) -> EventSource:
        self.resumed.append((turn_id, caller))
        return self._source()

    async def interrupt(self, turn_id: str, caller: Identity) -> Interruption:
        self.interrupted.append((turn_id, caller))
        self._refuse()
        return self.interruption

    async def approvals(self, caller: Identity) -> Sequence[Approval]:
        self.asked_for.append(caller)
        self._refuse()
        return [APPROVAL]

    async def answer(self, answering: Answering, caller: Identity) -> Answered:
        self.answered.append((answering, caller))
        self._refuse()
        answer = answering.answer
        return Answered(approval=replace(APPROVAL, state=answer.state, reason=answer.reason))

    def abandon(self, turn_id: str) -> None:
        self.abandoned.append(turn_id)

    def _source(self) -> ScriptedSource:
        self._refuse()
        return ScriptedSource(self.steps, self)

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal
