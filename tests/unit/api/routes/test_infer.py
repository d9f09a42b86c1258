"""`POST /v1/infer`."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.schemas.infer import InferRequest
from lightspeed_core.api.state import Services
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import PromptTooLong, QuotaExceeded
from tests.support.asgi import client_of, open_stream, with_state
from tests.support.scripted_assistant import TURN_ID, ScriptedAssistant, turn

NULL = ("tool_calls", "tool_results", "rag_chunks", "referenced_documents")
TOKENS = ("input_tokens", "output_tokens", "tokens_estimated")


async def post(app: ASGIApp, body: Any) -> Any:
    async with client_of(app) as client:
        answer = await client.post("/v1/infer", json=body)
    return answer.status_code, answer.json()


async def asked(app: ASGIApp, assistant: ScriptedAssistant, body: dict[str, Any]) -> TurnRequest:
    status, answer = await post(app, body)
    assert status == 200, answer
    request, _ = assistant.inferred.pop()
    return request


@pytest.mark.requirement("infer.answer")
async def test_an_answer_is_its_text_and_an_id(app: ASGIApp) -> None:
    assert await post(app, {"question": "How do I list files?"}) == (
        200,
        {
            "data": {
                "text": "Hello there",
                "request_id": TURN_ID,
                **dict.fromkeys((*NULL, *TOKENS)),
            }
        },
    )


@pytest.mark.requirement("infer.input")
async def test_the_model_is_asked_the_question_with_what_it_is_about(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    request = await asked(
        app,
        assistant,
        {
            "question": "  What is Cafe\u0301?\n",
            "context": {
                "stdin": "piped in",
                "attachments": {"contents": "a file", "mimetype": "text/plain"},
                "terminal": {"output": "$ ls"},
                "systeminfo": {"os": "RHEL", "version": "9.4", "arch": "x86_64", "id": "m-1"},
                "cla": {"nevra": "cla-0:0.4.1-1.el9~x.noarch", "version": "0.4.1"},
            },
        },
    )
    assert request.query == "What is Café?\n\npiped in\n\na file\n\n$ ls"
    assert request.search_text == "What is Café?"
    assert request.prompt_variables == {"os": "RHEL", "version": "9.4", "arch": "x86_64"}
    assert request.endpoint == "/v1/infer"
    assert request.plain_text_only
    assert request.vector_store_ids is None
    assert request.conversation_id is None


@pytest.mark.requirement("infer.input")
@pytest.mark.parametrize(
    "context",
    [{}, {"stdin": "", "terminal": {"output": ""}, "attachments": {}}, {"stdin": " \n"}],
)
async def test_what_is_empty_is_left_out(
    app: ASGIApp, assistant: ScriptedAssistant, context: dict[str, Any]
) -> None:
    assert (await asked(app, assistant, {"question": "q", "context": context})).query == "q"


async def test_a_system_id_has_two_names(app: ASGIApp, assistant: ScriptedAssistant) -> None:
    for name in ("id", "system_id"):
        await asked(app, assistant, {"question": "q", "context": {"systeminfo": {name: "m-1"}}})


async def test_documents_are_left_out_on_request(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    request = await asked(app, assistant, {"question": "q", "skip_rag": True})
    assert request.vector_store_ids == ()


def systeminfo(**values: str) -> dict[str, Any]:
    return {"question": "q", "context": {"systeminfo": values}}


INVALID: list[tuple[dict[str, Any], list[str], str]] = [
    ({}, ["question"], "Field required"),
    ({"question": ""}, ["question"], "String should have at least 1 character"),
    (
        {"question": " \n\t"},
        ["question"],
        "Value error, Question cannot be empty or whitespace-only",
    ),
    (
        {"question": "x" * 32_769},
        ["question"],
        "String should have at most 32768 characters",
    ),
    (
        {"question": "q", "context": {"stdin": "x" * 65_537}},
        ["context", "stdin"],
        "String should have at most 65536 characters",
    ),
    (
        {"question": "q", "context": {"attachments": {"contents": "x" * 65_537}}},
        ["context", "attachments", "contents"],
        "String should have at most 65536 characters",
    ),
    (
        {"question": "q", "context": {"terminal": {"output": "x" * 65_537}}},
        ["context", "terminal", "output"],
        "String should have at most 65536 characters",
    ),
    (
        systeminfo(os="{{ date }}"),
        ["context", "systeminfo", "os"],
        r"String should match pattern '^[a-zA-Z0-9._ \-]*$'",
    ),
    (
        systeminfo(arch="x\n"),
        ["context", "systeminfo", "arch"],
        r"String should match pattern '^[a-zA-Z0-9._ \-]*$'",
    ),
    (
        systeminfo(id="a b"),
        ["context", "systeminfo", "id"],
        r"String should match pattern '^[a-zA-Z0-9._\-]*$'",
    ),
    (
        {"question": "q", "context": {"cla": {"nevra": "a b"}}},
        ["context", "cla", "nevra"],
        r"String should match pattern '^[a-zA-Z0-9._:+~\-]*$'",
    ),
    ({"question": "q", "colour": 1}, ["colour"], "Extra inputs are not permitted"),
]


@pytest.mark.requirement("infer.form")
@pytest.mark.parametrize(("body", "place", "message"), INVALID)
async def test_a_body_of_another_form_is_refused_with_its_fault(
    app: ASGIApp,
    assistant: ScriptedAssistant,
    body: dict[str, Any],
    place: list[str],
    message: str,
) -> None:
    status, answer = await post(app, body)
    assert status == 422
    (fault,) = answer["detail"]
    assert (fault["loc"], fault["msg"]) == (["body", *place], message)
    assert assistant.inferred == []


@pytest.mark.requirement("infer.form")
def test_the_largest_question_is_taken() -> None:
    question = "x" * 32_768
    context = {"stdin": "x" * 65_536, "terminal": {"output": "y" * 65_536}}
    assert InferRequest.model_validate({"question": question, "context": context})


@pytest.fixture
def verbose(bare: FastAPI, services: Services) -> ASGIApp:
    configuration = services.configuration
    rlsapi = configuration.rlsapi_v1.model_copy(update={"allow_verbose_infer": True})
    allowed = configuration.model_copy(update={"rlsapi_v1": rlsapi})
    return with_state(bare, replace(services, configuration=allowed))


@pytest.mark.requirement("infer.details")
async def test_details_are_told_where_they_are_asked_for_and_allowed(
    app: ASGIApp, verbose: ASGIApp, assistant: ScriptedAssistant
) -> None:
    chunk = RagChunk(chunk_id="c", document_id="d", content="Use ls.", store_id="s", score=0.5)
    assistant.inference = turn("Use ls [1].", rag_chunks=(chunk,))
    with_details = {"question": "q", "include_metadata": True}

    _, plain = await post(verbose, {"question": "q"})
    _, refused = await post(app, with_details)
    _, detailed = await post(verbose, with_details)

    assert plain["data"]["rag_chunks"] is refused["data"]["rag_chunks"] is None
    assert plain["data"]["input_tokens"] is refused["data"]["input_tokens"] is None
    assert [each["content"] for each in detailed["data"]["rag_chunks"]] == ["Use ls."]
    assert [detailed["data"][name] for name in TOKENS] == [7, 2, False]
    assert [detailed["data"][name] for name in NULL if name != "rag_chunks"] == [[], [], []]
    assert [request.cites for request, _ in assistant.inferred] == [False, False, True]


@pytest.mark.parametrize(
    ("error", "status"), [(PromptTooLong("p/m"), 413), (QuotaExceeded.of_model("p/m", 3.0), 429)]
)
async def test_a_refusal_is_a_status(
    app: ASGIApp, assistant: ScriptedAssistant, error: Exception, status: int
) -> None:
    assistant.refusal = error
    assert (await post(app, {"question": "q"}))[0] == status


class WaitingAssistant(ScriptedAssistant):
    """Answers when nobody waits any more."""

    is_cancelled = False

    async def infer(self, request: TurnRequest, caller: Identity) -> Turn:
        self.inferred.append((request, caller))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        return self.inference


@pytest.mark.requirement("infer.stateless")
async def test_the_answer_ends_with_its_reader(bare: FastAPI, services: Services) -> None:
    assistant = WaitingAssistant()
    app = with_state(bare, replace(services, assistant=assistant))
    headers = {"content-type": "application/json"}
    async with open_stream(
        app, "POST", "/v1/infer", body=b'{"question": "q"}', headers=headers
    ) as stream:
        async with asyncio.timeout(5):
            while not assistant.inferred:
                await asyncio.sleep(0)
        stream.gone.set()
        await stream.rest()
    assert assistant.is_cancelled
