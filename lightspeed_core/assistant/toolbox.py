"""The tools of one turn, as the tool loop sees them; knows neither servers nor stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.together import together
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.domain.turn import TurnWarning

type ToolStatus = Literal["success", "failure", "denied", "completed", "failed"]
"""How a call ended; the search of vector stores says `completed` and `failed`."""

UNAUTHORIZED: Final = "mcp_server_unauthorized"
"""Code of the warning about a server that asks for other credentials than it was given."""

HEADERS_MISSING: Final = "mcp_headers_missing"
"""Code of the warning about a server that nobody gave what it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """What a tool answered, or why it did not; `chunks` stand behind the answer from now on.

    The model gets `content`; clients and histories are shown `shown` where it is given. `passages`
    are the numbers of the passages that `content` holds and nothing else. With `is_locked` nothing
    was done, for the tool's server asks for other credentials.
    """

    content: str
    shown: str | None = None
    status: ToolStatus = "success"
    chunks: tuple[RagChunk, ...] = ()
    passages: tuple[int, ...] = ()
    warnings: tuple[TurnWarning, ...] = ()
    is_locked: bool = False


class Toolbox(Protocol):
    """The tools of one turn."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return what is offered to the model; no name occurs twice."""
        ...

    def warnings(self) -> tuple[TurnWarning, ...]:
        """Return what is missing, such as the tools of a server that does not answer."""
        ...

    async def call(self, call: ToolCall) -> ToolOutput:
        """Run a tool of `specs`. A failure of the tool is an output with status `failure`."""
        ...

    async def aclose(self) -> None:
        """Let go of what was opened."""
        ...


class ToolSource(Protocol):
    """Where turns get tools."""

    async def open(self, context: TurnContext) -> Toolbox:
        """Return the tools of a turn; its credentials are used for nobody else.

        Raises a `LightspeedError` for what must refuse the turn; a source that is away is a
        warning of the toolbox, and nothing refuses a turn that goes on.
        """
        ...


class EmptyToolbox:
    """The toolbox of a turn without tools."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """Offer nothing."""
        return ()

    def warnings(self) -> tuple[TurnWarning, ...]:
        """Miss nothing."""
        return ()

    async def call(self, call: ToolCall) -> ToolOutput:
        """Tell the model that it called what it was not offered."""
        return unknown_tool(call)

    async def aclose(self) -> None:
        """Hold nothing."""


class JoinedTools:
    """The tools of several sources; of two with one name, that of the earlier source stays."""

    def __init__(self, sources: Sequence[ToolSource]) -> None:
        self._sources = tuple(sources)

    async def open(self, context: TurnContext) -> Toolbox:
        """Open all sources at the same time; none stays open when one of them refuses."""
        opened: list[Toolbox] = []

        async def open_one(source: ToolSource) -> Toolbox:
            toolbox = await source.open(context)
            opened.append(toolbox)
            return toolbox

        try:
            return _JoinedToolbox(await together(open_one(source) for source in self._sources))
        except BaseException:
            await _close(opened)
            raise


class _JoinedToolbox:
    def __init__(self, boxes: Sequence[Toolbox]) -> None:
        self._boxes = boxes
        self._owners: dict[str, Toolbox] = {}
        self._specs: list[ToolSpec] = []
        self._warnings = [warning for box in boxes for warning in box.warnings()]
        for box in boxes:
            for spec in box.specs():
                if self._owners.setdefault(spec.name, box) is box:
                    self._specs.append(spec)
                else:
                    self._warnings.append(_name_is_taken(spec))

    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(self._specs)

    def warnings(self) -> tuple[TurnWarning, ...]:
        return tuple(self._warnings)

    async def call(self, call: ToolCall) -> ToolOutput:
        owner = self._owners.get(call.name)
        return unknown_tool(call) if owner is None else await owner.call(call)

    async def aclose(self) -> None:
        await _close(self._boxes)


def _name_is_taken(spec: ToolSpec) -> TurnWarning:
    return TurnWarning(
        code="tool_name_taken",
        message=f"Tool {spec.name} was left out: another tool has its name.",
        server=spec.server,
    )


async def _close(boxes: Sequence[Toolbox]) -> None:
    await together(box.aclose() for box in boxes)


def unknown_tool(call: ToolCall) -> ToolOutput:
    """Answer a call of a tool that was not offered."""
    return ToolOutput(content=f"There is no tool named {call.name}.", status="failure")


def missing_tool(call: ToolCall, warnings: Sequence[TurnWarning]) -> ToolOutput:
    """Answer a call of a tool that is not there, with what is known of its server."""
    for warning in warnings:
        if warning.server is not None and warning.server == call.server:
            is_locked = warning.code in {UNAUTHORIZED, HEADERS_MISSING}
            return ToolOutput(content=warning.message, status="failure", is_locked=is_locked)
    return unknown_tool(call)
