"""The servers of the configuration, with the secrets of their files."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lightspeed_core.config.authentication import AuthenticationModule
from lightspeed_core.config.mcp import (
    McpConfiguration,
    ModelContextProtocolServer,
    check_server_names,
)
from lightspeed_core.config.mcp_warnings import describe_mcp
from lightspeed_core.mcp.configured import configured_servers
from lightspeed_core.mcp.models import AuthorizationKind
from lightspeed_core.mcp.servers import ToolServer, Transport


def section(**about: Any) -> ModelContextProtocolServer:
    return ModelContextProtocolServer.model_validate({"name": "a", **about})


def one(server: ModelContextProtocolServer) -> ToolServer:
    (found,) = configured_servers([server], forwards_token=True, allows_commands=True)
    return found


def warnings(server: ModelContextProtocolServer, **settings: Any) -> list[str]:
    return list(describe_mcp([server], McpConfiguration(**settings), AuthenticationModule.NOOP))


def test_secrets_are_read_and_trimmed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n t0k \n")
    (tmp_path / "empty").write_text(" \n")
    headers = {
        "Authorization": str(tmp_path / "token"),
        "X-Empty": str(tmp_path / "empty"),
        "X-Gone": str(tmp_path / "gone"),
        "X-Client": "client",
    }
    configured = section(url="http://a", authorization_headers=headers)
    server = one(configured)
    assert server.secrets == {"Authorization": "t0k"}
    assert server.unreadable == ("X-Empty", "X-Gone")
    assert server.kinds == {"X-Client": AuthorizationKind.CLIENT}
    assert server.client_headers == ("X-Client",)
    assert "t0k" not in repr(server)
    told = warnings(configured)
    assert [text.split(":")[0] for text in told] == [
        "mcp_servers[0] ('a') lacks X-Empty",
        "mcp_servers[0] ('a') lacks X-Gone",
    ]


@pytest.mark.requirement("mcp.token")
def test_a_server_that_wants_a_token_nobody_keeps_is_left_out_and_named() -> None:
    server = section(url="http://a", authorization_headers={"Authorization": "kubernetes"})
    assert not [*configured_servers([server], forwards_token=False, allows_commands=False)]
    assert [*configured_servers([server], forwards_token=True, allows_commands=False)]
    (told,) = warnings(server)
    assert told.startswith("mcp_servers[0] ('a') is left out: it asks for the caller's token")


@pytest.mark.requirement("mcp.commands")
def test_a_command_is_started_only_where_that_is_switched_on() -> None:
    server = section(command="server", args=["-v"], env={"A": "s3cret"})
    assert not [*configured_servers([server], forwards_token=True, allows_commands=False)]
    (told,) = warnings(server)
    assert told == (
        "mcp_servers[0] ('a') is left out: it is a command, and mcp.allow_stdio is false"
    )
    assert not warnings(server, allow_stdio=True)
    found = one(server)
    assert found.transport is Transport.STDIO
    assert found.place == "stdio"
    assert found.command is not None
    assert found.command.environment == {"A": "s3cret"}
    assert "s3cret" not in f"{found!r}{server!r}"


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({}, "a server has either a url or a command"),
        ({"url": "http://a", "command": "b"}, "a server has either a url or a command"),
        ({"url": "http://a", "args": ["b"]}, "args and env belong to a command"),
        ({"command": "b", "headers": ["c"]}, "a command takes no headers"),
    ],
)
def test_a_server_is_an_address_or_a_command(about: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        section(**about)


def test_two_servers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two servers are named 'a'"):
        check_server_names((section(url="http://a"), section(url="http://b")))


@pytest.mark.parametrize(
    ("policy", "needing"),
    [
        ("never", set[str]()),
        ("always", {"read", "write", "other"}),
        ({"always": ["write"], "never": ["read"]}, {"write", "other"}),
        ({"never": ["read", "other"]}, {"write"}),
    ],
)
def test_the_policy_says_which_tools_need_an_approval(policy: Any, needing: set[str]) -> None:
    server = one(section(url="http://a", require_approval=policy))
    tools = ("read", "write", "other")
    assert {tool for tool in tools if server.needs_approval(tool)} == needing
