"""Turns that go on after an answer that came without what a server of tools asks for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.toolbox import HEADERS_MISSING, UNAUTHORIZED, ToolOutput
from lightspeed_core.conversations.approvals import Answer
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.approvals import ApprovalState
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.domain.turn import Turn, TurnState, TurnWarning
from tests.support.assistants import WAIT_SECONDS, Wired, caller, wired_assistant
from tests.support.scripted_engine import ScriptedEngine, calls, says
from tests.support.scripted_tools import HEAT, READ, ScriptedTools, a_call, as_models_say

pytestmark = pytest.mark.requirement("approvals.locked")

LOCKED = TurnWarning(code=UNAUTHORIZED, message="Server home asks.", server="home")
HEAT_ROOM = calls(*as_models_say(a_call(1, HEAT)))
ASKING = TurnRequest(query="Heat room 1", generate_topic_summary=False)
SETTINGS = AssistantSettings(system_prompt="Be brief.", drain=WAIT_SECONDS)


@dataclass
class Place:
    """A worker with its engine and tools."""

    wired: Wired
    store: MemoryConversationStore
    engine: ScriptedEngine
    tools: ScriptedTools

    async def ask(self) -> Turn:
        """Ask until the answer waits."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await outcome_of(await self.wired.assistant.start(ASKING, caller()))

    async def answer(self, *, approve: bool) -> Turn:
        """Answer the one question that is open, and return the turn when it stands again."""
        (approval,) = await self.wired.assistant.approvals(caller())
        answering = Answering(approval_id=approval.approval_id, answer=Answer(approve=approve))
        await self.wired.assistant.answer(answering, caller())
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                turn = await self.store.find_turn(approval.turn_id)
                assert turn is not None
                if turn.state is not TurnState.WAITING:
                    return turn
                await asyncio.sleep(0.01)

    def lock_the_list(self) -> None:
        """Have the server refuse to list its tools."""
        self.tools.specs, self.tools.warnings = (), (LOCKED,)

    def lock_the_calls(self) -> None:
        """Have the server refuse calls, though its tools are known."""
        self.tools.answer = _locked

    def unlock(self) -> None:
        """Have it serve again."""
        opened = ScriptedTools()
        self.tools.specs, self.tools.warnings = opened.specs, ()
        self.tools.answer = opened.answer


def _locked(_: ToolCall) -> ToolOutput:
    return ToolOutput(content="No.", status="failure", warnings=(LOCKED,), is_locked=True)


@pytest.fixture
async def place(engine: ScriptedEngine, store: MemoryConversationStore) -> AsyncIterator[Place]:
    tools = ScriptedTools()
    async with wired_assistant(engine, store, settings=SETTINGS, tools=tools) as wired:
        yield Place(wired, store, engine, tools)


@pytest.mark.parametrize("lock", [Place.lock_the_list, Place.lock_the_calls])
async def test_an_approval_without_credentials_is_asked_for_again(
    place: Place, lock: Callable[[Place], None]
) -> None:
    place.engine.will(HEAT_ROOM, says("It is warm."))
    await place.ask()
    lock(place)

    again = await place.answer(approve=True)

    assert again.state is TurnState.AWAITING_APPROVAL
    assert again.tool_results == ()
    assert again.warnings == (LOCKED,)
    old, new = again.approvals
    assert (old.state, new.state) == (ApprovalState.APPROVED, ApprovalState.OPEN)
    assert replace(new, approval_id=old.approval_id).digest == old.digest
    assert (new.tool, new.server, new.arguments) == (old.tool, old.server, old.arguments)
    place.unlock()
    place.tools.called.clear()
    whole = await place.answer(approve=True)
    assert (whole.state, whole.text) == (TurnState.COMPLETED, "It is warm.")
    assert [call.name for call in place.tools.called] == ["heat"]
    assert [(each.name, each.status) for each in whole.tool_results] == [("heat", "success")]


async def test_so_is_one_whose_headers_are_missing(place: Place) -> None:
    place.engine.will(HEAT_ROOM)
    await place.ask()
    place.tools.specs, place.tools.warnings = (), (replace(LOCKED, code=HEADERS_MISSING),)

    again = await place.answer(approve=True)

    assert again.state is TurnState.AWAITING_APPROVAL


async def test_a_server_that_is_away_has_the_model_told_why(place: Place) -> None:
    place.engine.will(HEAT_ROOM, says("Sorry."))
    await place.ask()
    gone = TurnWarning(code="mcp_server_unavailable", message="Home is away.", server="home")
    place.tools.specs, place.tools.warnings = (), (gone,)

    whole = await place.answer(approve=True)

    assert (whole.state, whole.text) == (TurnState.COMPLETED, "Sorry.")
    assert (whole.tool_results[0].status, whole.tool_results[0].content) == (
        "failure",
        "Home is away.",
    )


async def test_a_denial_needs_no_credentials(place: Place) -> None:
    place.engine.will(HEAT_ROOM, says("Then not."))
    await place.ask()
    place.lock_the_list()

    whole = await place.answer(approve=False)

    assert (whole.state, whole.text) == (TurnState.COMPLETED, "Then not.")
    assert whole.tool_results[0].status == "denied"
    assert place.tools.called == []


async def test_only_the_tool_whose_server_is_locked_is_asked_for_again(place: Place) -> None:
    lit = replace(HEAT, name="light", server="lamps")
    place.tools.specs = (READ, HEAT, lit)
    place.engine.will(calls(*as_models_say(a_call(1, HEAT), a_call(2, lit))), says("Done."))
    turn = await place.ask()
    place.tools.specs, place.tools.warnings = (lit,), (LOCKED,)
    for approval in turn.approvals:
        answering = Answering(approval_id=approval.approval_id, answer=Answer(approve=True))
        await place.wired.assistant.answer(answering, caller())
    async with asyncio.timeout(WAIT_SECONDS):
        while not (waiting := await place.wired.assistant.approvals(caller())):
            await asyncio.sleep(0.01)

    assert [approval.tool for approval in waiting] == ["heat"]
    assert [call.name for call in place.tools.called] == ["light"]
    place.unlock()
    whole = await place.answer(approve=True)
    assert [call.name for call in place.tools.called] == ["light", "heat"]
    assert {(each.name, each.status) for each in whole.tool_results} == {
        ("light", "success"),
        ("heat", "success"),
    }
