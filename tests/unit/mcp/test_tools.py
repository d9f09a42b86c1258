"""Names under which tools are offered, and what a person reads of them."""

import re
from collections.abc import Sequence

import pytest

from lightspeed_core.mcp.servers import ToolServer
from lightspeed_core.mcp.tools import (
    RESERVED,
    ServerTool,
    clean_description,
    digest_of,
    is_usable,
    offer,
)

LEGAL = re.compile(r"[A-Za-z0-9_-]{1,64}")


def listed(server: str, *names: str) -> tuple[ToolServer, Sequence[ServerTool]]:
    return ToolServer(name=server), [ServerTool(name=name) for name in names]


def offered(*lists: tuple[ToolServer, Sequence[ServerTool]]) -> list[tuple[str, str, str]]:
    return [(each.name, each.server.name, each.tool.name) for each in offer(lists)]


def test_a_name_that_one_server_has_stays() -> None:
    assert offered(listed("a", "read"), listed("b", "write")) == [
        ("read", "a", "read"),
        ("write", "b", "write"),
    ]


@pytest.mark.requirement("mcp.names")
@pytest.mark.attack(51)
def test_a_name_that_two_servers_have_names_the_server_of_each() -> None:
    assert offered(listed("a", "read", "x"), listed("b", "read")) == [
        ("a__read", "a", "read"),
        ("x", "a", "x"),
        ("b__read", "b", "read"),
    ]


@pytest.mark.attack(51)
@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_tool_does_not_take_a_reserved_name(name: str) -> None:
    assert offered(listed("a", name)) == [(f"a__{name}", "a", name)]


@pytest.mark.attack(51)
def test_names_are_legal_and_different_whatever_servers_call_their_tools() -> None:
    names = ["a.b", "a/b", "a_b", "ä" * 80, "ä" * 81, "x" * 64, "x" * 65, "b__a_b", " "]
    lists = [listed("b", *names), listed("b!", *names), listed("a", "b__a_b")]
    found = [each.name for each in offer(lists)]
    assert len(found) == len(set(found)) == 19
    assert all(LEGAL.fullmatch(name) for name in found)
    assert not RESERVED.intersection(found)


def test_a_tool_without_name_or_of_another_size_cannot_be_used() -> None:
    assert is_usable(ServerTool(name="a", description="b"), 100)
    assert not is_usable(ServerTool(name=""), 100)
    assert not is_usable(ServerTool(name="a", description="b" * 100), 100)
    assert not is_usable(ServerTool(name="a", parameters={"a": "b" * 100}), 100)


def test_another_description_is_another_list() -> None:
    tool = ServerTool(name="a", description="b")
    assert digest_of([tool]) == digest_of([ServerTool(name="a", description="b")])
    assert digest_of([tool]) != digest_of([ServerTool(name="a", description="c")])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Reads a file.\n\nAny file.", "Reads a file.\n\nAny file."),
        (
            "TOOL_NAME=read\n\nDISPLAY_NAME=Read\n\nshort\n\nReads the contents of any file.",
            "Reads the contents of any file.",
        ),
        ("TOOL_NAME=read\nUSECASE= Read files \nEXAMPLES=none", "Read files"),
        ("DISPLAY_NAME=" + "x" * 300, "DISPLAY_NAME=" + "x" * 187 + "..."),
        ("TOOL_NAME=a", "TOOL_NAME=a"),
    ],
)
def test_a_description_in_form_of_a_form_is_reduced(text: str, shown: str) -> None:
    assert clean_description(text) == shown
