"""Which system prompt a turn gets, and the messages that the model is sent."""

from collections.abc import Sequence

from lightspeed_core.assistant.attachments import image_urls, with_attachments
from lightspeed_core.assistant.passages import write_passages
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import InvalidRequest


def resolve_system_prompt(requested: str | None, configured: str, *, may_choose: bool) -> str:
    """Return the request's prompt where it brings one, else the configured one.

    Raises `InvalidRequest` when the configuration forbids customization.
    """
    if not requested:
        return configured
    if not may_choose:
        raise InvalidRequest(
            "System prompt customization is disabled",
            "This instance does not support customizing the system prompt "
            "(disable_query_system_prompt is set). "
            "Please remove the system_prompt field from your request.",
        )
    return requested


def build_messages(
    system_prompt: str, history: Sequence[Turn], turn: Turn, chunks: Sequence[RagChunk]
) -> tuple[Message, ...]:
    """Return the prompt: system, earlier turns, passages in a message of their own, question."""
    system = Message(role=Role.SYSTEM, content=system_prompt)
    passages: tuple[Message, ...] = ()
    if chunks:
        written = write_passages(system_prompt, chunks)
        system, passages = written.system, (written.passages,)
    earlier = (message for past in history for message in _history_messages(past))
    question = Message(
        role=Role.USER,
        content=with_attachments(turn.question, turn.attachments),
        images=image_urls(turn.attachments),
    )
    return (system, *earlier, *passages, question)


def _history_messages(turn: Turn) -> tuple[Message, ...]:
    if not turn.text:
        return ()
    question = with_attachments(turn.question, turn.attachments)
    return (
        Message(role=Role.USER, content=question),
        Message(role=Role.ASSISTANT, content=turn.text),
    )
