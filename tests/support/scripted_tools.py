"""Tools in memory: they answer what the test wrote, and note who called them with what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.toolbox import Toolbox, ToolOutput
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.domain.turn import TurnWarning

type Answer = Callable[[ToolCall], ToolOutput]

READ = ToolSpec(
    name="read",
    description="Read the temperature of a room.",
    parameters={"type": "object", "properties": {"room": {"type": "integer"}}},
    type="mcp_call",
    server="home",
)
HEAT = ToolSpec(
    name="heat",
    description="Heat a room.",
    parameters={"type": "object", "properties": {"room": {"type": "integer"}}},
    type="mcp_call",
    server="home",
    needs_approval=True,
)


def a_call(number: int, spec: ToolSpec = READ, **arguments: object) -> ToolCall:
    """Return a call as the turn tells it; the model knows neither kind nor server."""
    return ToolCall(
        id=f"c{number}",
        name=spec.name,
        arguments=arguments or {"room": number},
        type=spec.type,
        server=spec.server,
    )


def as_models_say(*wishes: ToolCall) -> tuple[ToolCall, ...]:
    """Return calls as a model makes them."""
    return tuple(replace(call, type="function_call", server=None) for call in wishes)


def _answer(call: ToolCall) -> ToolOutput:
    return ToolOutput(content=f"{call.name} of room {call.arguments.get('room')} is done")


@dataclass
class ScriptedTools:
    """A source of tools; `specs` may be changed between one opening and the next."""

    specs: Sequence[ToolSpec] = (READ, HEAT)
    answer: Answer = _answer
    warnings: Sequence[TurnWarning] = ()
    opened: list[TurnContext] = field(default_factory=list[TurnContext])
    called: list[ToolCall] = field(default_factory=list[ToolCall])
    closed: int = 0

    async def open(self, context: TurnContext) -> Toolbox:
        self.opened.append(context)
        return ScriptedToolbox(self, tuple(self.specs))


@dataclass
class ScriptedToolbox:
    """The tools of one opening."""

    source: ScriptedTools
    offered: tuple[ToolSpec, ...]

    def specs(self) -> tuple[ToolSpec, ...]:
        return self.offered

    def warnings(self) -> tuple[TurnWarning, ...]:
        return tuple(self.source.warnings)

    async def call(self, call: ToolCall) -> ToolOutput:
        self.source.called.append(call)
        return self.source.answer(call)

    async def aclose(self) -> None:
        self.source.closed += 1
