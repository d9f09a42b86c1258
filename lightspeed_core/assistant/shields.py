"""Shields around a turn: which applies where, and what happens when one objects.

A shield is named by its role: `inout_` guards question and answer, `output_` the answer,
`input_` and every other name the question.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from lightspeed_core.assistant.together import together
from lightspeed_core.domain.events import ModelEvent, ModelFinished, Refused, TextDelta, TurnEvent
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.engine.protocol import Engine


def input_shields(shield_ids: Sequence[str]) -> tuple[str, ...]:
    """Return those that look at the question."""
    return tuple(name for name in shield_ids if not name.startswith("output_"))


def output_shields(shield_ids: Sequence[str]) -> tuple[str, ...]:
    """Return those that look at the answer."""
    return tuple(name for name in shield_ids if name.startswith(("output_", "inout_")))


async def check_question(
    engine: Engine, shield_ids: Sequence[str], question: str
) -> Refused | None:
    """Ask all shields at once; the first in order that blocks decides."""
    return await _ask(engine, shield_ids, (Message(role=Role.USER, content=question),))


async def guard_answer(
    events: AsyncGenerator[TurnEvent | ModelEvent],
    *,
    engine: Engine,
    shield_ids: Sequence[str],
    question: str,
) -> AsyncGenerator[TurnEvent | ModelEvent]:
    """Hold an answer back until the shields have passed it; a blocked one never leaves.

    The whole text of one model call is checked at once.
    """
    held: list[TextDelta] = []
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                held.append(event)
                continue
            if isinstance(event, ModelFinished) and held:
                if refusal := await _ask(engine, shield_ids, _exchange(question, held)):
                    yield event
                    yield refusal
                    return
                for delta in held:
                    yield delta
                held.clear()
            yield event


def _exchange(question: str, held: Sequence[TextDelta]) -> tuple[Message, Message]:
    answer = "".join(token for delta in held for token in delta.tokens)
    return (
        Message(role=Role.USER, content=question),
        Message(role=Role.ASSISTANT, content=answer),
    )


async def _ask(
    engine: Engine, shield_ids: Sequence[str], messages: tuple[Message, ...]
) -> Refused | None:
    verdicts = await together(engine.run_shield(name, messages) for name in shield_ids)
    for name, verdict in zip(shield_ids, verdicts, strict=True):
        if verdict.blocked:
            return Refused(name, verdict.text)
    return None
