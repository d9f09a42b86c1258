from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from lightspeed_core.assistant.tool_loop import LoopLimits, Reserve, ToolLoop
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
    TurnIncomplete,
    Warned,
)
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolSpec
from lightspeed_core.domain.turn import IncompleteReason, TurnWarning
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import PromptTooLong, QuotaExceeded
from tests.support.scripted_engine import DEFAULT_MODEL, ScriptedEngine, Step, calls, refuses, says

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
    limits = LoopLimits(max_rounds=rounds, max_calls=tools)
    return await events_of(ToolLoop(engine, toolbox, model=DEFAULT_MODEL, limits=limits))


async def events_of(loop: ToolLoop) -> list[TurnEvent | ModelEvent]:
    return [event async for event in loop.run(QUESTION)]


def incomplete(events: list[TurnEvent | ModelEvent]) -> list[IncompleteReason]:
    """Return why the answer may be incomplete; a warning follows each reason."""
    reasons = [event.reason for event in events if isinstance(event, TurnIncomplete)]
    codes = [event.warning.code for event in events if isinstance(event, Warned)]
    assert codes == ["incomplete"] * len(reasons)
    return reasons


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
    assert [inside(message) for message in second[2:]] == ["21", "21"]


def inside(message: Message) -> str:
    """Return what stands in the fence of a result."""
    told, opened, *lines, closed = message.content.split("\n")
    assert opened[1:] == closed[2:]
    assert opened.split()[1].rstrip(">") in told
    return "\n".join(lines)


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

    events = await run(engine, thermometer, rounds=2)

    assert [bool(chat.tools) for chat in engine.chats] == [True, False]
    assert thermometer.called == [read(1)]
    assert incomplete(events) == [IncompleteReason.MAX_INFER_ITERS]


async def test_no_more_tools_are_called_than_allowed() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1), read(2), read(3))), says("done"))
    thermometer = Thermometer()

    events = await run(engine, thermometer, tools=2)

    assert thermometer.called == [read(1), read(2)]
    assert [bool(chat.tools) for chat in engine.chats] == [True, False]
    assert incomplete(events) == [IncompleteReason.MAX_TOOL_CALLS]


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


async def test_an_answer_within_the_limits_is_complete() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1))), says("21"))

    assert incomplete(await run(engine, Thermometer(), rounds=3)) == []


@pytest.mark.attack(50)
@pytest.mark.parametrize("same", [True, False])
async def test_a_model_that_calls_tools_without_end_is_made_to_answer(same: bool) -> None:
    engine, thermometer = ScriptedEngine(), Thermometer()
    for number in range(9):
        engine.will(calls(*unlabelled(read(1 if same else number))))
    engine.will(says("Enough."))

    events = await run(engine, thermometer)

    assert (len(engine.chats), len(thermometer.called)) == (10, 9)
    assert incomplete(events) == [IncompleteReason.MAX_INFER_ITERS]
    assert [event.tokens for event in events if isinstance(event, TextDelta)] == [("Enough.",)]


@pytest.mark.attack(50)
async def test_a_model_that_insists_on_tools_to_the_end_leaves_an_answer_without_them() -> None:
    engine, thermometer = ScriptedEngine(), Thermometer()
    for number in range(3):
        engine.will(calls(*unlabelled(read(number))))

    events = await run(engine, thermometer, rounds=3)

    assert len(thermometer.called) == 2
    assert isinstance(events[-1], ModelFinished)


async def test_an_id_that_comes_again_is_told_apart() -> None:
    engine = ScriptedEngine().will(
        calls(*unlabelled(read(1), read(1))), calls(*unlabelled(read(1))), says("21")
    )

    events = await run(engine, Thermometer())

    called = [event.call.id for event in events if isinstance(event, ToolCallStarted)]
    answered = [event.result.call_id for event in events if isinstance(event, ToolCallFinished)]
    assert len(set(called)) == 3
    assert called == answered
    assert [message.tool_call_id for message in engine.chats[-1].messages[2:4]] == called[:2]


async def test_a_tool_that_the_toolbox_has_and_did_not_offer_is_not_run() -> None:
    secret = ToolCall(id="c1", name="wipe", arguments={})
    engine = ScriptedEngine().will(calls(secret), says("sorry"))
    thermometer = Thermometer()

    events = await run(engine, thermometer)

    (result,) = [event.result for event in events if isinstance(event, ToolCallFinished)]
    assert (result.status, thermometer.called) == ("failure", [])


def granting(rounds: int) -> tuple[list[int], Reserve]:
    """Return a quota for so many further model calls, and the lengths of their prompts."""
    asked: list[int] = []

    async def reserve(messages: Sequence[Message]) -> None:
        if len(asked) == rounds:
            raise QuotaExceeded.of_subject("User ann")
        asked.append(len(messages))

    return asked, reserve


async def test_each_further_call_is_reserved_for_before_it() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1))), calls(*unlabelled(read(2))))
    asked, reserve = granting(9)
    limits = LoopLimits(max_rounds=10, max_calls=30, reserve=reserve)

    await events_of(ToolLoop(engine, Thermometer(), model=DEFAULT_MODEL, limits=limits))

    assert asked == [len(chat.messages) for chat in engine.chats[1:]]


@pytest.mark.parametrize(
    ("text", "said"), [("", ["*There is no answer: the quota is used up.*"]), ("Well.", ["Well."])]
)
async def test_a_quota_that_runs_out_ends_the_answer_with_what_there_is(
    text: str, said: list[str]
) -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1)), text=text))
    limits = LoopLimits(max_rounds=10, max_calls=30, reserve=granting(0)[1])

    events = await events_of(ToolLoop(engine, Thermometer(), model=DEFAULT_MODEL, limits=limits))

    assert incomplete(events) == [IncompleteReason.QUOTA]
    assert len(engine.chats) == 1
    assert ["".join(each.tokens) for each in events if isinstance(each, TextDelta)] == said


def too_long(times: int) -> list[list[Step]]:
    return [refuses(PromptTooLong("m")) for _ in range(times)]


async def test_long_results_are_cut_until_the_model_takes_them() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1))), *too_long(2), says("21"))
    thermometer = Thermometer(ToolOutput(content="x" * 4000))

    events = await run(engine, thermometer)

    lengths = [len(inside(chat.messages[-1]).split("\n")[0]) for chat in engine.chats[1:]]
    assert lengths == [4000, 2000, 1000]
    assert inside(engine.chats[-1].messages[-1]).endswith("it was too long.]")
    assert incomplete(events) == []


async def test_results_that_cannot_be_cut_further_end_the_answer() -> None:
    engine = ScriptedEngine().will(calls(*unlabelled(read(1)), text="Well."), *too_long(9))

    events = await run(engine, Thermometer(ToolOutput(content="x" * 4000)))

    assert incomplete(events) == [IncompleteReason.PROMPT_TOO_LONG]
    assert len(engine.chats) == 4


async def test_a_first_prompt_that_is_too_long_is_refused() -> None:
    with pytest.raises(PromptTooLong):
        await run(ScriptedEngine().will(*too_long(1)), Thermometer())
