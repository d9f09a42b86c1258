"""The model searches by a tool, and what it finds can be cited by its number."""

import asyncio
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.file_search import FileSearch
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.sources import Source, SourceSettings
from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.toolbox import JoinedTools, ToolOutput
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.events import TurnCompleted
from lightspeed_core.domain.messages import Role
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import EngineUnavailable
from tests.support.assistants import all_events, caller, wired_assistant
from tests.support.scripted_engine import ScriptedEngine, calls, says, store_info
from tests.unit.assistant.test_toolbox import CONTEXT

LONG = "The service listens on port 8080 unless another port is configured."
SHORT = "Operators are installed by the lifecycle manager of the cluster."


async def engine_with(**stores: str) -> ScriptedEngine:
    """Build an engine whose stores hold one document each."""
    engine = ScriptedEngine()
    for store_id, text in stores.items():
        engine.add_store(store_info(store_id))
        document = SourceDocument(
            document_id=f"{store_id}/1",
            text=text,
            content_hash=hashlib.sha256(text.encode()).hexdigest(),
            title=f"Title of {store_id}",
            url=f"https://example.com/{store_id}",
        )
        chunk = Chunk(
            chunk_id=f"{store_id}#1",
            document_id=document.document_id,
            content=text,
            start=0,
            end=len(text),
        )
        await engine.insert_document(store_id, document, [chunk])
    return engine


def search(*queries: str, call_id: str = "fc_1") -> ToolCall:
    return ToolCall(id=call_id, name="file_search", arguments={"queries": list(queries)})


def context_over(*stores: str) -> TurnContext:
    found = tuple(Source(name=store_id, store=store_info(store_id)) for store_id in stores)
    context = replace(CONTEXT, tool_stores=found)
    context.passages.clear()
    return context


async def answered(engine: ScriptedEngine, call: ToolCall, context: TurnContext) -> ToolOutput:
    box = await FileSearch(engine, SourceSettings()).open(context)
    return await box.call(call)


@pytest.mark.requirement("retrieval.tool")
async def test_a_search_gives_numbered_passages_in_the_fence_of_the_turn() -> None:
    engine = await engine_with(a=LONG, b=SHORT)
    context = context_over("a", "b")

    output = await answered(engine, search("port", "operators"), context)

    assert output.status == "completed"
    first, *_, last = output.content.splitlines()
    nonce = first.removeprefix("<passages ").removesuffix(">")
    assert last == f"</passages {nonce}>"
    assert f"<passage {nonce} [1]> Title of a (https://example.com/a)" in output.content
    assert f"<passage {nonce} [2]> Title of b (https://example.com/b)" in output.content
    assert [chunk.content for chunk in output.chunks] == [LONG, SHORT]


@pytest.mark.requirement("retrieval.tool")
async def test_clients_are_shown_documents_and_no_text() -> None:
    engine = await engine_with(a=LONG)

    output = await answered(engine, search("port"), context_over("a"))

    assert output.shown is not None
    assert json.loads(output.shown) == {
        "results": [
            {
                "marker": "[1]",
                "document_id": "a/1",
                "title": "Title of a",
                "url": "https://example.com/a",
                "source": "a",
                "score": 1.0,
            }
        ]
    }


async def test_a_passage_that_is_known_keeps_its_number_and_is_not_told_again() -> None:
    engine = await engine_with(a=LONG, b=SHORT)
    context = context_over("a", "b")
    box = await FileSearch(engine, SourceSettings()).open(context)
    await box.call(search("port"))

    again = await box.call(search("port operators"))

    assert [chunk.content for chunk in again.chunks] == [SHORT]
    assert "[1]>" in again.content
    assert "[2]>" in again.content


async def test_calls_at_one_time_are_numbered_in_their_order() -> None:
    class Slow(ScriptedEngine):
        async def search(self, store_id: str, query: str, **options: Any) -> Any:
            # Whoever asks first has to wait longest.
            for _ in range(20 if query == "port" else 0):
                await asyncio.sleep(0)
            return await super().search(store_id, query, **options)

    filled = await engine_with(a=LONG, b=SHORT)
    slow = Slow()
    slow.__dict__.update(filled.__dict__)
    box = await FileSearch(slow, SourceSettings()).open(context_over("a", "b"))

    first, second = await together(
        [box.call(search("port")), box.call(search("operators", call_id="fc_2"))]
    )

    assert "[1]>" in first.content
    assert "[2]>" in second.content


@pytest.mark.parametrize(
    "arguments", [{}, {"queries": []}, {"queries": [" ", 5]}, {"queries": {"a": 1}}, {"query": ""}]
)
async def test_a_call_without_a_query_is_told_what_would_be_right(
    arguments: dict[str, Any],
) -> None:
    call = replace(search(), arguments=arguments)

    output = await answered(await engine_with(a=LONG), call, context_over("a"))

    assert (output.status, output.chunks) == ("failed", ())
    assert '{"queries": [' in output.content


@pytest.mark.parametrize("arguments", [{"query": "port"}, {"queries": "port"}])
async def test_one_query_may_stand_for_a_list(arguments: dict[str, Any]) -> None:
    call = replace(search(), arguments=arguments)

    output = await answered(await engine_with(a=LONG), call, context_over("a"))

    assert output.status == "completed"


async def test_no_more_queries_are_searched_than_allowed() -> None:
    engine = await engine_with(a=LONG)

    await answered(engine, search(*(f"port {n}" for n in range(50))), context_over("a"))

    assert [query for _, query, *_ in engine.searches] == [f"port {n}" for n in range(5)]


async def test_nothing_found_is_an_answer_too() -> None:
    output = await answered(await engine_with(a=LONG), search("zebra"), context_over("a"))

    assert (output.status, output.content) == ("completed", "No passage was found.")
    assert output.shown == '{"results": []}'


async def test_stores_that_fail_cost_the_call_and_not_the_turn() -> None:
    engine = await engine_with(a=LONG)
    engine.add_store(store_info("a")).error = EngineUnavailable("a is gone")

    output = await answered(engine, search("port"), context_over("a"))

    assert (output.status, output.content) == ("failed", "The documents cannot be searched now.")


async def test_without_a_store_there_is_no_tool() -> None:
    box = await FileSearch(ScriptedEngine(), SourceSettings()).open(context_over())

    assert box.specs() == ()


async def turn_of(engine: ScriptedEngine, request: TurnRequest, settings: SourceSettings) -> Turn:
    assistant_settings = AssistantSettings(system_prompt="Be brief.", sources=settings)
    tools = JoinedTools((FileSearch(engine, settings),))
    async with wired_assistant(
        engine, MemoryConversationStore(), settings=assistant_settings, tools=tools
    ) as worker:
        events = await all_events(await worker.assistant.start(request, caller()))
    ended = events[-1]
    assert isinstance(ended, TurnCompleted)
    return ended.turn


@pytest.mark.requirement("retrieval.tool")
async def test_an_answer_cites_what_was_found_before_and_what_the_tool_found() -> None:
    engine = await engine_with(a=LONG, b=SHORT)
    engine.will(
        calls(search("operators")),
        says(
            "The service listens on port 8080 [1]. ",
            "Operators are installed by the lifecycle manager [2]. ",
            "The moon is made of cheese [3].",
        ),
    )

    turn = await turn_of(
        engine,
        TurnRequest(query="Which port, and what of operators?"),
        SourceSettings(inline=("a",), tool=("b",)),
    )

    assert [citation.marker for citation in turn.citations] == ["[1]", "[2]"]
    assert [citation.document_id for citation in turn.citations] == ["a/1", "b/1"]
    assert "[3]" not in turn.text
    assert [chunk.store_id for chunk in turn.rag_chunks] == ["a", "b"]
    assert [each.doc_title for each in turn.referenced_documents] == ["Title of a", "Title of b"]
    (called,) = turn.tool_calls
    assert (called.name, called.type) == ("file_search", "file_search_call")
    (result,) = turn.tool_results
    assert (result.status, result.type, result.round) == ("completed", "file_search_call", 1)
    assert SHORT not in result.content


@pytest.mark.requirement("retrieval.tool")
async def test_the_model_is_told_of_the_fence_before_it_searches() -> None:
    engine = await engine_with(b=SHORT)
    engine.will(calls(search("operators")), says("Found [1]."))

    await turn_of(engine, TurnRequest(query="Operators?"), SourceSettings(tool=("b",)))

    asked, told = engine.chats[:2]
    assert [tool.name for tool in asked.tools] == ["file_search"]
    system = asked.messages[0].content
    nonce = system.splitlines()[-1].removeprefix("Passages are fenced by: ")
    assert "Results of the tool file_search hold numbered passages" in system
    (result,) = [message for message in told.messages if message.role is Role.TOOL]
    assert result.content.startswith(f"<passages {nonce}>")


@pytest.mark.requirement("retrieval.tool")
async def test_a_model_that_calls_no_tools_gets_the_passages_first() -> None:
    engine = await engine_with(b=SHORT)
    engine.model_list = [replace(engine.model_list[0], metadata={"calls_tools": False})]

    turn = await turn_of(engine, TurnRequest(query="operators"), SourceSettings(tool=("b",)))

    assert engine.chats[0].tools == ()
    assert [chunk.content for chunk in turn.rag_chunks] == [SHORT]


@pytest.mark.parametrize("request_", [{"no_tools": True}, {"vector_store_ids": ()}])
async def test_without_tools_or_stores_the_search_is_not_offered(request_: dict[str, Any]) -> None:
    engine = await engine_with(b=SHORT)

    await turn_of(engine, TurnRequest(query="x", **request_), SourceSettings(tool=("b",)))

    assert engine.chats[0].tools == ()
    assert engine.searches == []
