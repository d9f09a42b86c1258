"""What stands in the record of a decision."""

import json
from dataclasses import replace

import pytest

from lightspeed_core.audit.decision import render_decision
from tests.support.audit import DECISION


def test_a_record_says_who_asked_for_what_and_what_came_of_it() -> None:
    assert json.loads(render_decision(DECISION)) == {
        "time": "2025-11-21T12:00:00.250Z",
        "request_id": "r1",
        "outcome": "denied",
        "status": 403,
        "code": "forbidden",
        "user": "ann",
        "module": "noop",
        "client": "127.0.0.1",
        "action": "query",
        "method": "POST",
        "resource": {"route": "/v1/query"},
    }


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\r\n\x1b[2J", "\x00\x7f\x85\u2028", "\ud800", 'x","outcome":"allowed'],
    ids=repr,
)
def test_what_a_client_wrote_forges_neither_line_nor_field(text: str) -> None:
    record = render_decision(replace(DECISION, user_id=text, resource={"conversation_id": text}))
    assert record.isascii()
    assert record.isprintable()
    read = json.loads(record)
    assert (read["user"], read["resource"]["conversation_id"]) == (text, text)
    assert read["outcome"] == "denied"


def test_what_a_client_wrote_is_cut_after_256_characters() -> None:
    record = render_decision(replace(DECISION, user_id="a" * 256, resource={"route": "b" * 257}))
    assert json.loads(record)["user"] == "a" * 256
    assert json.loads(record)["resource"]["route"] == "b" * 256 + "…"
