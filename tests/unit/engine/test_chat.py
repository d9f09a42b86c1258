"""What is sent to a model and how its lean stream is read."""

import pytest

from lightspeed_core.domain.messages import Message, Role, TokenUsage
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolSpec
from lightspeed_core.engine.llama_stack.chat import chat, chat_body, delta_of, messages_of
from lightspeed_core.engine.types import ChatDelta, ChatRequest
from lightspeed_core.errors import EngineFailed, InvalidRequest, NotFound, PromptTooLong
from lightspeed_stack_providers.failures import UpstreamContextTooLong, UpstreamRejected
from lightspeed_stack_providers.lean import LeanDelta, LeanToolCall
from tests.support.memory_stack import MemoryStack, model

HELLO = (Message(role=Role.USER, content="hello"),)


def test_a_plain_request_says_nothing_that_was_not_asked_for():
    body = chat_body(ChatRequest(model="p/m", messages=HELLO))
    assert body == {"model": "p/m", "messages": [{"role": "user", "content": "hello"}]}


def test_a_tool_without_parameters_is_offered_with_an_empty_schema():
    tool = ToolSpec(name="now", description="Tells the time.")
    body = chat_body(ChatRequest(model="p/m", messages=HELLO, tools=(tool,), temperature=0.0))
    function = body["tools"][0]["function"]
    assert function["parameters"] == {"type": "object", "properties": {}}
    assert body["temperature"] == 0.0


def test_a_message_with_calls_alone_has_no_content():
    call = ToolCall(id="c1", name="now", arguments={"zone": "UTC"})
    message = Message(role=Role.ASSISTANT, content="", tool_calls=(call,))
    (written,) = messages_of([message])
    assert written["content"] is None
    assert written["tool_calls"][0] == {
        "id": "c1",
        "type": "function",
        "function": {"name": "now", "arguments": '{"zone":"UTC"}'},
    }


def test_images_stand_beside_the_text():
    message = Message(role=Role.USER, content="look", images=("data:image/png;base64,aGk=",))
    (written,) = messages_of([message])
    assert [part["type"] for part in written["content"]] == ["text", "image_url"]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ("  ", {}),
        ("{a: 1", {UNPARSED_ARGUMENTS: "{a: 1"}),
        ("[1, 2]", {UNPARSED_ARGUMENTS: "[1, 2]"}),
    ],
)
def test_arguments_are_an_object_or_kept_as_text(text: str, arguments: dict[str, object]):
    delta = delta_of(LeanDelta(tool_calls=(LeanToolCall(id="c1", name="t", arguments=text),)))
    assert dict(delta.tool_calls[0].arguments) == arguments


def test_unparsed_arguments_are_shown_to_the_model_as_it_wrote_them():
    call = ToolCall(id="c1", name="t", arguments={UNPARSED_ARGUMENTS: "{a: 1"})
    (written,) = messages_of([Message(role=Role.ASSISTANT, content="", tool_calls=(call,))])
    assert written["tool_calls"][0]["function"]["arguments"] == "{a: 1"


async def test_deltas_pass_with_their_usage():
    stack = MemoryStack(
        listed_models=[model("p/m")],
        deltas=[
            LeanDelta(),
            LeanDelta(tokens=("a", "b")),
            LeanDelta(finish_reason="stop", usage=(3, 2)),
        ],
    )
    deltas = [delta async for delta in chat(stack, ChatRequest(model="p/m", messages=HELLO))]
    assert deltas[0] == ChatDelta()
    assert deltas[1].tokens == ("a", "b")
    assert deltas[2].usage == TokenUsage(input_tokens=3, output_tokens=2)


@pytest.mark.parametrize("name", ["p/none", "p/embedding"])
async def test_what_is_no_listed_chat_model_is_not_called(name: str):
    stack = MemoryStack(listed_models=[model("p/m"), model("p/embedding", "embedding")])
    with pytest.raises(NotFound):
        await anext(chat(stack, ChatRequest(model=name, messages=HELLO)))
    assert stack.asked == []


async def test_a_failure_of_the_model_is_named_and_keeps_its_cause():
    stack = MemoryStack(listed_models=[model("p/m")], error=UpstreamContextTooLong("too long"))
    with pytest.raises(PromptTooLong) as raised:
        await anext(chat(stack, ChatRequest(model="p/m", messages=HELLO)))
    assert "p/m" in raised.value.cause
    assert isinstance(raised.value.__cause__, UpstreamContextTooLong)


@pytest.mark.parametrize(
    ("images", "error"), [(("data:image/png;base64,aGk=",), InvalidRequest), ((), EngineFailed)]
)
async def test_a_model_that_refuses_images_is_told_apart(
    images: tuple[str, ...], error: type[Exception]
):
    refused = UpstreamRejected("400: image_url is not supported", 400)
    stack = MemoryStack(listed_models=[model("p/m")], error=refused)
    message = Message(role=Role.USER, content="look", images=images)
    with pytest.raises(error):
        await anext(chat(stack, ChatRequest(model="p/m", messages=(message,))))
