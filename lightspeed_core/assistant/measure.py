"""Counts what one turn does with its model; knows neither wires nor stores."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from typing import TypedDict

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.spending import counted
from lightspeed_core.domain.events import (
    AnswerPaused,
    ModelEvent,
    ModelFinished,
    Refused,
    TextDelta,
    TurnEvent,
)
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import ChatDelta, ChatRequest
from lightspeed_core.errors import InvalidRequest, LightspeedError, NotFound, PromptTooLong
from lightspeed_core.observability.metrics import Metrics

_FAULTS_OF_REQUESTS = (InvalidRequest, NotFound, PromptTooLong)


class _Labels(TypedDict):
    provider: str
    model: str
    endpoint: str


class MeasuredChat:
    """The calls of one turn to its model, counted and timed.

    A call that its reader ends is neither a success nor a failure.
    """

    def __init__(self, engine: Engine, metrics: Metrics, context: TurnContext) -> None:
        self._chat = counted(engine, context.account)
        self._metrics = metrics
        model = context.begun.model
        self._labels = _Labels(
            provider=model.provider, model=model.model, endpoint=context.request.endpoint
        )
        self._has_called = False
        self._began = time.perf_counter()
        self._has_text = False
        self._outcome = TurnState.COMPLETED

    @contextmanager
    def turn(self) -> Generator[None]:
        """Time the turn until its end, however it ends, or until it waits for its user."""
        try:
            yield
        except BaseException as error:
            is_stopped = isinstance(error, asyncio.CancelledError | GeneratorExit)
            self._outcome = TurnState.INTERRUPTED if is_stopped else TurnState.FAILED
            raise
        finally:
            self._metrics.turns.turn_ended(
                endpoint=self._labels["endpoint"],
                outcome=self._outcome.value,
                seconds=time.perf_counter() - self._began,
            )

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Call a model, as `Engine.chat` promises."""
        if not self._has_called:
            self._has_called = True
            self._metrics.model_called(**self._labels)
        began = time.perf_counter()
        try:
            async with aclosing(self._chat.chat(request)) as deltas:
                async for delta in deltas:
                    yield delta
        except LightspeedError as error:
            if not isinstance(error, _FAULTS_OF_REQUESTS):
                self._metrics.model_failed(**self._labels, seconds=time.perf_counter() - began)
            raise
        self._metrics.model_answered(**self._labels, seconds=time.perf_counter() - began)

    def note(self, event: TurnEvent | ModelEvent) -> None:
        """Count what an event of the turn tells."""
        match event:
            case ModelFinished(usage):
                self._metrics.tokens_used(
                    **self._labels, sent=usage.input_tokens, received=usage.output_tokens
                )
            case AnswerPaused(_, approvals):
                for _ in approvals:
                    self._metrics.approvals.asked()
                self._outcome = TurnState.AWAITING_APPROVAL
            case Refused():
                self._metrics.refused(endpoint=self._labels["endpoint"])
            case TextDelta() if not self._has_text:
                self._has_text = True
                self._metrics.turns.first_text_came(
                    **self._labels, seconds=time.perf_counter() - self._began
                )
            case _:
                pass
