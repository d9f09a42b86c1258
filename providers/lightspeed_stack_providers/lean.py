"""The lean stream: what an inference provider of ours offers beside the stack's own protocol.

A caller that knows it reads a model's stream without an object being validated per token. A
provider that offers it has the method `lean_chat` of `LeanChat`.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class LeanToolCall:
    """A whole tool call; `arguments` is the JSON text that the model wrote."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class LeanDelta:
    """All that one read from the upstream held.

    The first delta of a stream is empty and says that the upstream accepted the request. Tool
    calls are whole and come with the last delta, as do `finish_reason` and `usage`
    (`(input tokens, output tokens)`, None where the upstream reports none).
    """

    tokens: tuple[str, ...] = ()
    tool_calls: tuple[LeanToolCall, ...] = ()
    finish_reason: str | None = None
    usage: tuple[int, int] | None = None


@runtime_checkable
class LeanChat(Protocol):
    """An inference provider with a lean stream."""

    def lean_chat(self, body: Mapping[str, Any]) -> AsyncIterator[LeanDelta]:
        """Stream one chat completion.

        `body` is that of OpenAI's chat completions with the upstream's own model name and
        without `stream` and `stream_options`. Raises the errors of
        `lightspeed_stack_providers.failures`. Closing the iterator ends the request upstream.
        """
        ...
