"""The header `MCP-HEADERS`: what fits the form is kept, the rest costs a warning."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.api.mcp_headers import parse_mcp_headers

TOKEN = {"fs": {"Authorization": "raw-token"}, "k8s": {"X-Key": "1"}}


def test_headers_are_kept_by_server() -> None:
    assert parse_mcp_headers(json.dumps(TOKEN)) == TOKEN


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_is_nothing_to_warn_about(text: str, caplog: pytest.LogCaptureFixture) -> None:
    assert parse_mcp_headers(text) == {}
    assert caplog.records == []


@pytest.mark.parametrize("text", ["garbage", "[]", "1", "null", '{"fs": ', '"fs"', "{" * 5000])
def test_what_is_no_object_is_ignored_with_a_warning(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert parse_mcp_headers(text) == {}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize(
    "headers",
    [
        {"Good": "1", "Bad": 5},
        {"Good": "1", "Bad": "a\r\nInjected: 1"},
        {"Good": "1", "Bad\r\nInjected": "x"},
        {"Good": "1", "": "x"},
        {"Good": "1", "Bad": "nul\0"},
        {"Good": "1", "with space": "x"},
    ],
)
def test_a_header_that_cannot_be_sent_is_ignored(
    headers: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    assert parse_mcp_headers(json.dumps({"fs": headers})) == {"fs": {"Good": "1"}}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_server_without_headers_is_named_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    assert parse_mcp_headers('{"fs": "token", "k8s": {}}') == {"fs": {}, "k8s": {}}
    assert len(caplog.records) == 1


def test_warnings_say_nothing_of_the_content(caplog: pytest.LogCaptureFixture) -> None:
    parse_mcp_headers('{"fs": {"Authorization": 5, "secret-name": "se\\ncret"}}')
    assert "secret" not in caplog.text


@given(st.text() | st.dictionaries(st.text(), st.text() | st.integers()).map(json.dumps))
def test_no_header_is_an_error(text: str) -> None:
    for headers in parse_mcp_headers(text).values():
        assert all("\n" not in value and "\r" not in value for value in headers.values())
