"""Calls of tools that a person must allow, and where a turn stands while it waits for that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lightspeed_core.domain.messages import Message
from lightspeed_core.domain.tools import ToolCall


class ApprovalState(StrEnum):
    """What became of a question; all but the first are final."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A call of a tool that the user of the turn was asked to allow, and the answer.

    `digest` is that of the tool as it was shown to the user. Timestamps are aware and in UTC.
    """

    approval_id: str
    turn_id: str
    conversation_id: str
    user_id: str
    call_id: str
    tool: str
    server: str | None
    arguments: Mapping[str, Any]
    digest: str
    created_at: datetime
    expires_at: datetime
    state: ApprovalState = ApprovalState.OPEN
    answered_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that a turn needs to call its model further; nothing in it is a credential.

    In model call number `round`, which read `messages`, the model wrote `text` and made `calls`.
    `outputs` are the contents of the results that are there, by the id of the call; `asked` are the
    ids of the approvals that the others wait for. `called` counts the turn's tool calls.
    """

    round: int
    called: int
    messages: tuple[Message, ...]
    text: str
    calls: tuple[ToolCall, ...]
    outputs: Mapping[str, str]
    asked: frozenset[str]
    has_spoken: bool = False
