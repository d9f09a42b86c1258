from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.toolbox import JoinedTools, Toolbox, ToolOutput, ToolSource
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.domain.turn import ModelRef, Turn, TurnWarning
from lightspeed_core.errors import EngineUnavailable, LightspeedError

CONTEXT = TurnContext(
    begun=Turn(
        turn_id="t",
        conversation_id="c",
        user_id="u",
        question="How warm is it?",
        model=ModelRef(provider="p", model="m"),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    ),
    caller=Identity(user_id="u", username="u"),
    request=TurnRequest(query="How warm is it?"),
    is_new=True,
    system_prompt="",
)


@dataclass
class Source:
    """A source of one tool that answers with the source's own label."""

    tool: str
    label: str
    error: LightspeedError | None = None
    closed: list[str] = field(default_factory=list[str])

    async def open(self, context: TurnContext) -> Toolbox:
        assert context is CONTEXT
        if self.error is not None:
            raise self.error
        return self

    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec(name=self.tool, description=self.label),)

    def warnings(self) -> tuple[TurnWarning, ...]:
        return (TurnWarning(code=self.label, message=""),)

    async def call(self, call: ToolCall) -> ToolOutput:
        return ToolOutput(content=f"{self.label}: {call.name}")

    async def aclose(self) -> None:
        self.closed.append(self.label)


async def joined(*sources: ToolSource) -> Toolbox:
    return await JoinedTools(sources).open(CONTEXT)


def call_of(name: str) -> ToolCall:
    return ToolCall(id="c1", name=name, arguments={})


async def test_each_call_reaches_the_source_of_its_tool() -> None:
    toolbox = await joined(Source("read", "first"), Source("write", "second"))

    assert [spec.name for spec in toolbox.specs()] == ["read", "write"]
    assert (await toolbox.call(call_of("write"))).content == "second: write"
    assert (await toolbox.call(call_of("delete"))).status == "failure"
    assert [warning.code for warning in toolbox.warnings()] == ["first", "second"]


async def test_of_two_tools_with_one_name_the_earlier_stays_with_a_warning() -> None:
    toolbox = await joined(Source("read", "first"), Source("read", "second"))

    assert [spec.description for spec in toolbox.specs()] == ["first"]
    assert toolbox.warnings()[-1].code == "tool_name_taken"
    assert (await toolbox.call(call_of("read"))).content == "first: read"


async def test_closing_closes_every_source() -> None:
    sources = Source("read", "first"), Source("write", "second")

    await (await joined(*sources)).aclose()

    assert [source.closed for source in sources] == [["first"], ["second"]]


async def test_a_source_that_refuses_leaves_none_open() -> None:
    first = Source("read", "first")

    with pytest.raises(EngineUnavailable):
        await joined(first, Source("write", "second", error=EngineUnavailable("away")))

    assert first.closed == ["first"]
