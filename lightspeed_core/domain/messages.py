"""What is said to a model and what it costs."""

from dataclasses import dataclass
from enum import StrEnum

from lightspeed_core.domain.tools import ToolCall


class Role(StrEnum):
    """Who speaks, in the words of the chat completions API."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What a user sent along with the question; `content` is text, or base64 for an image."""

    attachment_type: str
    content_type: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a prompt.

    `tool_calls` is set on an assistant's message only, `tool_call_id` on a tool's only.
    `images` are data URLs that accompany a user's text.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens of all model calls of a turn; estimated where the provider reports none."""

    input_tokens: int = 0
    output_tokens: int = 0
    is_estimated: bool = False

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            is_estimated=self.is_estimated or other.is_estimated,
        )
