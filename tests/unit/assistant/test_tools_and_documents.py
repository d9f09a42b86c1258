"""One answer that rests on two tools of two servers and on a document, as its readers see it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lightspeed_core.api.render.query import render_query
from lightspeed_core.api.render.streaming_query import JsonFrames
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from tests.support.assistants import all_events, caller, wired_assistant
from tests.support.scripted_engine import ScriptedEngine, calls, says, store_info
from tests.support.scripted_tools import READ, ScriptedTools, a_call, as_models_say

pytestmark = pytest.mark.requirement("tools.shapes")

SENTENCE = "Rooms are heated above 18 degrees."
WEIGH = replace(READ, name="weigh", description="Weigh a room.", server="scales")


@pytest.fixture
async def answered(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the JSON answer, and the events of its stream."""
    document = SourceDocument(
        document_id="guide.md", text=SENTENCE, content_hash="h1", title="Guide", url="https://d/g"
    )
    chunk = Chunk(
        chunk_id="c1", document_id="guide.md", content=SENTENCE, start=0, end=len(SENTENCE)
    )
    engine.add_store(store_info("docs")).insert(document, [chunk])
    engine.will(
        calls(*as_models_say(a_call(1), a_call(2, WEIGH))),
        says("Rooms are heated above", " 18 degrees [1]."),
    )
    asking = TurnRequest(query="How are rooms heated?", generate_topic_summary=False)
    tools = ScriptedTools(specs=(READ, WEIGH))
    async with wired_assistant(engine, store, tools=tools) as wired:
        source = await wired.assistant.start(asking, caller())
        events = await all_events(source)
        turn = await outcome_of(source)
    frames = JsonFrames().render(events).decode().splitlines()
    told = [json.loads(line[6:]) for line in frames if line.startswith("data: ")]
    return render_query(turn).model_dump(mode="json"), told


async def test_the_answer_has_calls_results_and_references(
    answered: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    answer, _ = answered

    assert answer["response"] == "Rooms are heated above 18 degrees [1]."
    assert answer["tool_calls"] == [
        {
            "id": f"c{number}",
            "name": name,
            "args": {"room": number},
            "type": "mcp_call",
            "tool_name": name,
            "arguments": {"room": number},
            "result": {"response": f"{name} of room {number} is done"},
        }
        for number, name in ((1, "read"), (2, "weigh"))
    ]
    assert answer["tool_results"] == [
        {
            "id": f"c{number}",
            "status": "success",
            "content": f"{name} of room {number} is done",
            "type": "mcp_call",
            "round": 1,
        }
        for number, name in ((1, "read"), (2, "weigh"))
    ]
    assert answer["referenced_documents"] == [
        {
            "doc_url": "https://d/g",
            "doc_title": "Guide",
            "source": "docs",
            "document_id": "guide.md",
        }
    ]
    assert [citation["quote"] for citation in answer["citations"]] == [SENTENCE]
    assert (answer["incomplete_reason"], answer["approval_required"]) == (None, None)


async def test_the_stream_tells_the_same_in_its_order(
    answered: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    answer, events = answered

    assert [event["event"] for event in events] == [
        "start",
        "tool_call",
        "tool_call",
        "tool_result",
        "tool_result",
        "token",
        "token",
        "turn_complete",
        "end",
    ]
    called = [event["data"] for event in events if event["event"] == "tool_call"]
    assert called[1] == {
        "id": "c2",
        "name": "weigh",
        "args": {"room": 2},
        "type": "mcp_call",
        "token": {"tool_name": "weigh", "arguments": {"room": 2}},
    }
    results = [event["data"] for event in events if event["event"] == "tool_result"]
    assert results[1] == {
        "id": "c2",
        "status": "success",
        "content": "weigh of room 2 is done",
        "type": "mcp_call",
        "round": 1,
        "token": {"tool_name": "weigh", "response": "weigh of room 2 is done"},
    }
    end = events[-1]["data"]
    for key in ("referenced_documents", "citations", "rag_chunks", "incomplete_reason"):
        assert end[key] == answer[key]
