"""Which system prompt a turn gets, and the messages that the model is sent."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from lightspeed_core.assistant.attachments import image_urls, with_attachments
from lightspeed_core.assistant.passages import Passages
from lightspeed_core.config.prompt_template import SystemPrompt
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import InvalidRequest

# Those of the calendar module follow the locale.
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def resolve_system_prompt(
    requested: str | None,
    configured: SystemPrompt,
    *,
    may_choose: bool,
    variables: Mapping[str, str],
) -> str:
    """Return the request's prompt as it stands, else the configured one with its variables.

    Raises `InvalidRequest` when the configuration forbids customization.
    """
    if not requested:
        return write_prompt(configured, variables)
    if not may_choose:
        raise InvalidRequest(
            "System prompt customization is disabled",
            "This instance does not support customizing the system prompt "
            "(disable_query_system_prompt is set). "
            "Please remove the system_prompt field from your request.",
        )
    return requested


def write_prompt(prompt: SystemPrompt, variables: Mapping[str, str] | None = None) -> str:
    """Return a configured prompt with its variables filled in; `date` is today, in UTC."""
    if isinstance(prompt, str):
        return prompt
    return prompt.render({**(variables or {}), "date": write_date(datetime.now(UTC))})


def write_date(moment: datetime) -> str:
    """Write a date as `August 21, 2026`, in English whatever the locale."""
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}"


def build_messages(
    system_prompt: str,
    history: Sequence[Turn],
    turn: Turn,
    passages: Passages,
    *,
    summary: str | None = None,
    searches: bool = False,
) -> tuple[Message, ...]:
    """Return the prompt: system, earlier turns, passages in a message of their own, question.

    A summary of what came before stands in front of the earlier turns. `searches` says that the
    model may search for more passages.
    """
    system = Message(role=Role.SYSTEM, content=system_prompt)
    if passages or searches:
        system = passages.instructed(system_prompt, by_tool=searches)
    quoted = _passages_messages(passages)
    earlier = (message for past in history for message in _history_messages(past))
    question = Message(
        role=Role.USER,
        content=with_attachments(turn.question, turn.attachments),
        images=image_urls(turn.attachments),
    )
    return (system, *_summary_messages(summary), *earlier, *quoted, question)


def _passages_messages(passages: Passages) -> tuple[Message, ...]:
    if not passages:
        return ()
    numbers = range(1, len(passages) + 1)
    return (Message(role=Role.USER, content=passages.fenced(numbers)),)


def _summary_messages(summary: str | None) -> tuple[Message, ...]:
    # Not part of the system prompt: what users said must not gain its authority.
    if not summary:
        return ()
    return (
        Message(role=Role.USER, content=f"Summary of our conversation so far:\n\n{summary}"),
        Message(role=Role.ASSISTANT, content="I go on from this summary."),
    )


def _history_messages(turn: Turn) -> tuple[Message, ...]:
    if not turn.text:
        return ()
    question = with_attachments(turn.question, turn.attachments)
    return (
        Message(role=Role.USER, content=question),
        Message(role=Role.ASSISTANT, content=turn.text),
    )
