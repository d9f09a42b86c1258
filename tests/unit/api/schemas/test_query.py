"""The body of a question."""

import base64
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from lightspeed_core.api.schemas.query import QueryRequest
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.domain.messages import Attachment

UUID_TEXT = "123e4567-e89b-42d3-a456-426614174000"
STACK_ID = "0d21ba731f21f798dc9680125d5d6f493e4a7ab79f25670e"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0rest").decode()


def image(content: str, attachment_type: str = "image", content_type: str = "image/png") -> Any:
    return {
        "attachments": [
            {
                "attachment_type": attachment_type,
                "content_type": content_type,
                "content": content,
            }
        ]
    }


def fault_of(body: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        QueryRequest.model_validate({"query": "q", **body})
    (fault,) = caught.value.errors(include_url=False)
    return {"type": fault["type"], "loc": fault["loc"], "msg": fault["msg"]}


REFUSED: list[tuple[dict[str, Any], str, tuple[str | int, ...], str]] = [
    (
        {"conversation_id": "abc"},
        "value_error",
        ("conversation_id",),
        "Value error, Improper conversation ID 'abc'",
    ),
    (
        {"conversation_id": STACK_ID[:-1]},
        "value_error",
        ("conversation_id",),
        f"Value error, Improper conversation ID '{STACK_ID[:-1]}'",
    ),
    (
        {"model": "gpt"},
        "value_error",
        (),
        "Value error, Provider must be specified if model is specified",
    ),
    (
        {"provider": "openai"},
        "value_error",
        (),
        "Value error, Model must be specified if provider is specified",
    ),
    (
        {"media_type": "text/html"},
        "value_error",
        ("media_type",),
        "Value error, media_type must be either 'application/json' or 'text/plain'",
    ),
    ({"extra": 1}, "extra_forbidden", ("extra",), "Extra inputs are not permitted"),
    ({"query": None}, "string_type", ("query",), "Input should be a valid string"),
    ({"attachments": [{}] * 0 + [5]}, "model_type", ("attachments", 0), ""),
    ({"solr": {"mode": "magic"}}, "enum", ("solr", "mode"), ""),
    ({"solr": {"mode": "hybrid", "x": 1}}, "extra_forbidden", ("solr", "x"), ""),
    (
        image("x", content_type="text/plain"),
        "value_error",
        ("attachments", 0),
        "Value error, attachment_type and content_type are inconsistent: "
        "attachment_type='image', content_type='text/plain'",
    ),
    (
        image(PNG, attachment_type="log"),
        "value_error",
        ("attachments", 0),
        "Value error, attachment_type and content_type are inconsistent: "
        "attachment_type='log', content_type='image/png'",
    ),
    (
        image(JPEG),
        "value_error",
        ("attachments", 0),
        "Value error, Image content does not match declared content_type 'image/png': "
        "invalid image data",
    ),
    (image("not base64!"), "value_error", ("attachments", 0), ""),
]


@pytest.mark.parametrize(("body", "kind", "place", "message"), REFUSED)
def test_a_fault_is_named_with_its_place(
    body: dict[str, Any], kind: str, place: tuple[str | int, ...], message: str
) -> None:
    fault = fault_of(body)
    assert (fault["type"], fault["loc"]) == (kind, place)
    assert not message or fault["msg"] == message


def test_broken_base64_is_named() -> None:
    fault = fault_of(image("not base64!"))
    assert fault["msg"].startswith("Value error, Invalid base64 content for image attachment: ")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (UUID_TEXT, UUID_TEXT),
        (UUID_TEXT.upper(), UUID_TEXT),
        (UUID(UUID_TEXT).hex, UUID_TEXT),
        (f"urn:uuid:{UUID_TEXT}", UUID_TEXT),
        (f"conv_{UUID_TEXT}", UUID_TEXT),
        (STACK_ID, STACK_ID),
        (f"conv_{STACK_ID}", STACK_ID),
        ("", None),
        (None, None),
    ],
)
def test_every_form_of_a_conversation_id_names_one_conversation(
    sent: str | None, kept: str | None
) -> None:
    request = QueryRequest.model_validate({"query": "q", "conversation_id": sent})
    assert request.conversation_id == kept


def test_a_bare_question_asks_for_the_defaults() -> None:
    request = QueryRequest.model_validate({"query": ""})
    assert request.turn_request({}, endpoint="/v1/query") == TurnRequest(query="")


def test_nothing_of_a_question_is_lost() -> None:
    request = QueryRequest.model_validate(
        {
            "query": "q",
            "conversation_id": UUID_TEXT,
            "provider": "openai",
            "model": "gpt",
            "system_prompt": "Be short.",
            "attachments": [
                {"attachment_type": "log", "content_type": "text/plain", "content": "a"},
                {"attachment_type": "image", "content_type": "image/jpeg", "content": JPEG},
                {"attachment_type": "foo", "content_type": "text/html", "content": ""},
            ],
            "no_tools": True,
            "media_type": "text/plain",
            "generate_topic_summary": False,
            "vector_store_ids": ["docs"],
            "shield_ids": [],
            "solr": {"mode": "hybrid"},
        }
    )
    assert request.turn_request({"fs": {"A": "1"}}, endpoint="/v1/x") == TurnRequest(
        endpoint="/v1/x",
        query="q",
        conversation_id=UUID_TEXT,
        provider="openai",
        model="gpt",
        system_prompt="Be short.",
        attachments=(
            Attachment(attachment_type="log", content_type="text/plain", content="a"),
            Attachment(attachment_type="image", content_type="image/jpeg", content=JPEG),
            Attachment(attachment_type="foo", content_type="text/html", content=""),
        ),
        no_tools=True,
        generate_topic_summary=False,
        vector_store_ids=("docs",),
        shield_ids=(),
        mcp_headers={"fs": {"A": "1"}},
    )


def test_nulls_and_empty_texts_count_as_not_given() -> None:
    request = QueryRequest.model_validate(
        {
            "query": "q",
            "provider": "",
            "model": "",
            "system_prompt": "",
            "media_type": "",
            "attachments": None,
            "no_tools": None,
            "generate_topic_summary": None,
            "solr": None,
        }
    )
    assert request.turn_request({}, endpoint="/v1/query") == TurnRequest(query="q")


def test_older_clients_send_the_filters_of_solr_themselves() -> None:
    request = QueryRequest.model_validate({"query": "q", "solr": {"fq": "product:olm"}})
    assert request.solr is not None
    assert request.solr.filters == {"fq": "product:olm"}
