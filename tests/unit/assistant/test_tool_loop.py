from dataclasses import dataclass, field, replace

from lightspeed_core.assistant.tool_loop import run_model
from lightspeed_core.assistant.toolbox import EmptyToolbox, Toolbox, ToolOutput
from lightspeed_core.domain.events import (
    DocumentsRetrieved,
    ModelAccepted,
    ModelEvent,
    ModelFinished,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    Warned,
)
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolSpec
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.engine.types import ChatDelta
from tests.support.scripted_engine import DEFAULT_MODEL, ScriptedEngine, calls, says

QUESTION = (Message(role=Role.USER, content="How warm is it?"),)


@dataclass
class Thermometer:
    """A toolbox with one tool."""

    output: ToolOutput = field(default_factory=lambda: ToolOutput(content="21"))
    called: list[ToolCall] = field(default_factory=list[ToolCall])

    def specs(self) -> tuple[ToolSpec, ...]:
        return (
            ToolSpec(
                name="read", description="Read the temperature.", type="mcp_call", server="home"
            ),
        )

    def warnings(self) -> tuple[TurnWarning, ...]:
        return ()

    async def call(self, call: ToolCall) -> ToolOutput:
        self.called.append(call)
        return self.output

    async def aclose(self) -> None:
        pass


def read(number: int) -> ToolCall:
    return ToolCall(
        id=f"c{number}",
        name="read",
        arguments={"room": number},
        type="mcp_call",
        server="home",
    )


def unlabelled(*wishes: ToolCall) -> tuple[ToolCall, ...]:
    """Return calls as a model makes them, who knows neither kinds nor servers."""
    return tuple(replace(call, type="function_call", server=None) for call in wishes)


async def run(
    engine: ScriptedEngine, toolbox: Toolbox, *, rounds: int = 10, tools: int = 30
) -> list[TurnEvent | ModelEvent]:
    events = run_model(
        engine,
        model=DEFAULT_MODEL,
        messages=QUESTION,
        toolbox=toolbox,
        max_rounds=rounds,
        max_calls=tools,
    )
    return [event async for event in events]


async def test_a_model_that_calls_nothing_is_called_once() -> None:
    events = await run(ScriptedEngine().will(says("21 degrees")), Thermometer())

    assert [type(event) for event in events] == [ModelAccepted, TextDelta, ModelFinished]


async def test_calls_and_results_go_back_to_the_model() -> None:
    engine = ScriptedEngine().will(
        calls(*unlabelled(read(1), read(2)), text="Let me see."), says("21")
    )

    events = await run(engine, Thermometer())

    assert [type(event) for event in events] == [
        ModelAccepted,
        TextDelta,
        ModelFinished,
        ToolCallStarted,
        ToolCallStarted,
        ToolCallFinished,
        ToolCallFinished,
        ModelAccepted,
        TextDelta,
        ModelFinished,
    ]
    second = engine.chats[1].messages
    assert second[1] == Message(
        role=Role.ASSISTANT, content="Let me see.", tool_calls=(read(1), read(2))
    )
    assert [message.tool_call_id for message in second[2:]] == ["c1", "c2"]
    assert [message.content for message in second[2:]] == ["21", "21"]


async def test_calls_and_results_tell_kind_and_server() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1))), says("21"))

    events = await run(engine, Thermometer())

    assert [event.call for event in events if isinstance(event, ToolCallStarted)] == [read(1)]
    (result,) = [event.result for event in events if isinstance(event, ToolCallFinished)]
    assert result.type == "mcp_call"


async def test_what_a_tool_found_and_missed_follows_its_result() -> None:
    chunk = RagChunk(chunk_id="1", document_id=None, content="21", score=1.0, store_id="s")
    missing = TurnWarning(code="vector_store_failed", message="A store is away.")
    engine = ScriptedEngine().will(calls(*unlabelled(read(1))), says("21"))
    output = ToolOutput(content="21", chunks=(chunk,), warnings=(missing,))

    events = await run(engine, Thermometer(output))

    place = next(at for at, event in enumerate(events) if isinstance(event, ToolCallFinished))
    assert events[place + 1 : place + 3] == [DocumentsRetrieved((chunk,)), Warned(missing)]


async def test_results_tell_their_round() -> None:
    engine = ScriptedEngine().will(
        calls(*unlabelled(read(1))), calls(*unlabelled(read(2))), says("done")
    )

    events = await run(engine, Thermometer())

    rounds = [event.result.round for event in events if isinstance(event, ToolCallFinished)]
    assert rounds == [1, 2]


async def test_the_last_round_offers_no_tools() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1))), calls(*unlabelled(read(2))))
    thermometer = Thermometer()

    await run(engine, thermometer, rounds=2)

    assert [bool(chat.tools) for chat in engine.chats] == [True, False]
    assert thermometer.called == [read(1)]


async def test_no_more_tools_are_called_than_allowed() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1), read(2), read(3))), says("done"))
    thermometer = Thermometer()

    await run(engine, thermometer, tools=2)

    assert thermometer.called == [read(1), read(2)]
    assert [bool(chat.tools) for chat in engine.chats] == [True, False]


async def test_a_tool_that_was_not_offered_fails_and_the_model_is_told() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1))), says("sorry"))

    events = await run(engine, EmptyToolbox())

    (result,) = [event.result for event in events if isinstance(event, ToolCallFinished)]
    assert result.status == "failure"
    assert engine.chats[1].messages[-1].content == "There is no tool named read."


async def test_arguments_that_are_no_json_object_reach_no_tool() -> None:
    garbled = ToolCall(id="c1", name="read", arguments={UNPARSED_ARGUMENTS: "{room: 1"})
    engine = ScriptedEngine().will(calls(garbled), says("again"))
    thermometer = Thermometer()

    events = await run(engine, thermometer)

    (result,) = [event.result for event in events if isinstance(event, ToolCallFinished)]
    assert result.status == "failure"
    assert thermometer.called == []
    assert "not a JSON object" in engine.chats[1].messages[-1].content


async def test_usage_is_estimated_and_marked_where_none_is_reported() -> None:
    engine = ScriptedEngine().will([ChatDelta(tokens=("12345678",)), ChatDelta()])

    (finished,) = [
        event for event in await run(engine, EmptyToolbox()) if isinstance(event, ModelFinished)
    ]

    assert finished.usage.is_estimated
    assert (finished.usage.input_tokens, finished.usage.output_tokens) == (12, 3)
