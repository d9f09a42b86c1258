"""Model calls: our messages to OpenAI's and the lean stream to our deltas; no transport."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import orjson

from lightspeed_core.domain.messages import Message, Role, TokenUsage
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolSpec
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.engine.types import ChatDelta, ChatRequest
from lightspeed_core.errors import NotFound
from lightspeed_stack_providers.lean import LeanDelta, LeanToolCall


async def chat(stack: Stack, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
    """Call a model. Raises `NotFound` before any call when the stack does not list it."""
    has_images = any(message.images for message in request.messages)
    with translated(model=request.model, has_images=has_images):
        found = await stack.find_model(request.model)
        if found is None or found["model_type"] != "llm":
            raise NotFound("model", request.model)
        deltas = stack.chat(chat_body(request))
        try:
            async for delta in deltas:
                yield delta_of(delta)
        finally:
            await deltas.aclose()


def chat_body(request: ChatRequest) -> dict[str, Any]:
    """Write a request in the words of OpenAI's chat completions."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": messages_of(request.messages),
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    return body


def messages_of(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Write messages in the words of OpenAI's chat completions."""
    return [_message(message) for message in messages]


def delta_of(delta: LeanDelta) -> ChatDelta:
    """Read one delta of the lean stream."""
    return ChatDelta(
        tokens=delta.tokens,
        tool_calls=tuple(_tool_call(call) for call in delta.tool_calls),
        finish_reason=delta.finish_reason,
        usage=_usage(delta.usage),
    )


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.role is Role.TOOL:
        written["tool_call_id"] = message.tool_call_id
    if message.images:
        text = {"type": "text", "text": message.content}
        images = [{"type": "image_url", "image_url": {"url": url}} for url in message.images]
        written["content"] = [text, *images]
    if message.tool_calls:
        written["content"] = message.content or None
        written["tool_calls"] = [_written_call(call) for call in message.tool_calls]
    return written


def _written_call(call: ToolCall) -> dict[str, Any]:
    raw = call.arguments.get(UNPARSED_ARGUMENTS)
    arguments = raw if isinstance(raw, str) else orjson.dumps(dict(call.arguments)).decode()
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _tool(tool: ToolSpec) -> dict[str, Any]:
    parameters = dict(tool.parameters) or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _tool_call(call: LeanToolCall) -> ToolCall:
    return ToolCall(id=call.id, name=call.name, arguments=_arguments(call.arguments))


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        arguments: object = orjson.loads(text) if text.strip() else {}
    except orjson.JSONDecodeError:
        return {UNPARSED_ARGUMENTS: text}
    return arguments if isinstance(arguments, dict) else {UNPARSED_ARGUMENTS: text}


def _usage(usage: tuple[int, int] | None) -> TokenUsage | None:
    return None if usage is None else TokenUsage(input_tokens=usage[0], output_tokens=usage[1])
