"""Chat completions as lean deltas: tokens as they come, tool calls whole and last."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from aiohttp import ClientError, ClientResponse

from lightspeed_stack_providers.failures import UpstreamCut, UpstreamGarbage
from lightspeed_stack_providers.lean import LeanDelta, LeanToolCall
from lightspeed_stack_providers.openai_compatible.event_stream import EventStream
from lightspeed_stack_providers.openai_compatible.refusals import refusal_of

MISSHAPEN = (KeyError, TypeError, AttributeError, IndexError, ValueError)


@dataclass(slots=True)
class GrowingCall:
    """A tool call whose fragments are still coming in."""

    index: object
    id: str
    name: str
    arguments: list[str] = field(default_factory=list[str])


class LeanFold:
    """Gathers the events of one answer."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.finish_reason: str | None = None
        self._calls: list[GrowingCall] = []
        self._usage: tuple[int, int] | None = None

    def take(self, event: dict[str, Any]) -> None:
        """Take a chunk, or a whole completion. Raises `UpstreamGarbage` for anything else."""
        try:
            if usage := event.get("usage"):
                self._usage = (usage["prompt_tokens"], usage.get("completion_tokens", 0))
            choices = event.get("choices")
            if choices:
                self._take_choice(choices[0])
        except MISSHAPEN as exc:
            raise UpstreamGarbage(f"an event has an unknown shape: {exc!r}") from exc

    def _take_choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if delta:
            if text := delta.get("content") or delta.get("refusal"):
                self.tokens.append(text if isinstance(text, str) else _text_of(text))
            for fragment in delta.get("tool_calls") or ():
                self._take_fragment(fragment)
        if finish_reason := choice.get("finish_reason"):
            self.finish_reason = str(finish_reason)

    def _take_fragment(self, fragment: dict[str, Any]) -> None:
        function = fragment.get("function") or {}
        call = self._call_of(fragment, function.get("name"))
        arguments = function.get("arguments")
        if arguments:
            is_text = isinstance(arguments, str)
            call.arguments.append(arguments if is_text else orjson.dumps(arguments).decode())

    def _call_of(self, fragment: dict[str, Any], name: str | None) -> GrowingCall:
        index, given = fragment.get("index"), fragment.get("id")
        for call in reversed(self._calls):
            if index is None or call.index == index:
                # Some endpoints number every parallel call 0; then the ids tell them apart.
                if not name or (given and given == call.id):
                    return call
                break
        if not name:
            raise KeyError("name of a tool call")
        grown = GrowingCall(index, given or f"call_{len(self._calls)}", name)
        self._calls.append(grown)
        return grown

    def take_tokens(self) -> LeanDelta:
        """Hand out the tokens that came in since the last time."""
        tokens = tuple(self.tokens)
        self.tokens.clear()
        return LeanDelta(tokens=tokens)

    def last(self) -> LeanDelta:
        """Hand out the rest, with all that comes once."""
        calls = tuple(
            LeanToolCall(id=call.id, name=call.name, arguments="".join(call.arguments) or "{}")
            for call in self._calls
        )
        finish_reason = self.finish_reason or ("tool_calls" if calls else "stop")
        return LeanDelta(
            tokens=tuple(self.tokens),
            tool_calls=calls,
            finish_reason=finish_reason,
            usage=self._usage,
        )


async def lean_deltas(response: ClientResponse) -> AsyncGenerator[LeanDelta]:
    """Read a response with status 200. Raises `UpstreamFailure`."""
    fold = LeanFold()
    if is_json(response):
        fold.take(await read_json(response))
        yield LeanDelta()
        yield fold.last()
        return
    require_events(response)
    yield LeanDelta()
    stream = EventStream(response.content)
    while events := await stream.read():
        for event in events:
            fold.take(event)
        stream.is_complete |= fold.finish_reason is not None
        if fold.tokens:
            yield fold.take_tokens()
    yield fold.last()
    await stream.drain()


def is_json(response: ClientResponse) -> bool:
    """Say whether the endpoint ignored that a stream was wanted."""
    return response.content_type == "application/json"


def require_events(response: ClientResponse) -> None:
    """Refuse a page for people. Raises `UpstreamGarbage`."""
    if response.content_type in {"text/html", "application/xhtml+xml"}:
        raise UpstreamGarbage(f"answered with {response.content_type}; is base_url right?")


async def read_json(response: ClientResponse) -> dict[str, Any]:
    """Read a whole answer. Raises `UpstreamGarbage`, `UpstreamCut` or what its error means."""
    try:
        body = await response.read()
    except (ClientError, TimeoutError, OSError) as exc:
        raise UpstreamCut(f"the answer broke off: {exc!r}") from exc
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise UpstreamGarbage(f"answered with something that is not JSON: {body[:80]!r}") from exc
    if not isinstance(answer, dict):
        raise UpstreamGarbage(f"answered with something that is no object: {body[:80]!r}")
    found = cast("dict[str, Any]", answer)
    if found.get("error"):
        raise refusal_of(found).failure()
    return found


def _text_of(parts: list[dict[str, Any]]) -> str:
    # Some endpoints send a list of parts, thinking among them, in place of the text.
    return "".join(str(part["text"]) for part in parts if part.get("type") == "text")
