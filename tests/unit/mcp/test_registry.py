"""Servers of the configuration and registered ones, as one list."""

from collections.abc import Callable
from time import monotonic

import pytest

from lightspeed_core.errors import Conflict, Forbidden, InvalidRequest
from lightspeed_core.http.judging import AddressJudge
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.mcp.memory import MemoryMcpServers
from lightspeed_core.mcp.models import AuthorizationKind, McpServer
from lightspeed_core.mcp.registry import McpServers
from lightspeed_core.mcp.servers import ToolServer

PUBLIC = "https://93.184.216.34/mcp"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def worker(
    store: MemoryMcpServers,
    clock: Callable[[], float] | None = None,
    *allowed: str,
    token: bool = False,
    others: bool = False,
) -> McpServers:
    return McpServers(
        (ToolServer(name="ours", url="http://10.0.0.1/mcp"),),
        store,
        AddressJudge(OutboundSettings(allowed_private=allowed)),
        forwards_token=token,
        others=others,
        clock=clock or Clock(),
    )


async def test_what_is_registered_is_listed_after_the_configured_and_can_be_deleted() -> None:
    servers = worker(MemoryMcpServers())
    await servers.register(McpServer(name="b", url=PUBLIC), user_id="ann")
    assert [server.name for server in await servers.list()] == ["ours", "b"]
    assert (await servers.known())["b"].registered_by == "ann"
    assert await servers.delete("b")
    assert not await servers.delete("b")
    assert list(await servers.known()) == ["ours"]


@pytest.mark.requirement("mcp.registered")
async def test_another_worker_knows_a_registered_server_within_a_second() -> None:
    store, clock = MemoryMcpServers(), Clock()
    one, other = worker(store), worker(store.beside(), clock)
    assert list(await other.known()) == ["ours"]
    await one.register(McpServer(name="b", url=PUBLIC), user_id="ann")
    assert [server.name for server in await other.list()] == ["ours", "b"]
    await one.delete("b")
    clock.now = 1.0
    assert list(await other.known()) == ["ours"]


@pytest.mark.requirement("mcp.registered")
async def test_where_there_are_other_workers_all_know_when_the_answer_comes() -> None:
    store = MemoryMcpServers()
    one, other = worker(store, monotonic, others=True), worker(store.beside(), monotonic)
    assert list(await other.known()) == ["ours"]
    await one.register(McpServer(name="b", url=PUBLIC), user_id="ann")
    assert list(await other.known()) == ["b", "ours"]
    await one.delete("b")
    assert list(await other.known()) == ["ours"]


async def test_a_name_is_taken_once() -> None:
    servers = worker(MemoryMcpServers())
    await servers.register(McpServer(name="b", url=PUBLIC), user_id="ann")
    for name in ("ours", "b"):
        with pytest.raises(Conflict) as refused:
            await servers.register(McpServer(name=name, url=PUBLIC), user_id="bob")
        assert refused.value.message == "Mcp Server already exists"


async def test_a_server_of_the_configuration_cannot_be_deleted() -> None:
    with pytest.raises(Forbidden) as refused:
        await worker(MemoryMcpServers()).delete("ours")
    assert refused.value.message == "Cannot delete statically configured MCP server"
    assert refused.value.cause == (
        "MCP server 'ours' is defined in configuration and cannot be removed via the API."
    )


@pytest.mark.requirement("mcp.addresses")
@pytest.mark.attack(41)
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/mcp",
        "http://localhost:3000/mcp",
        "http://169.254.169.254/latest",
        "http://[::1]/mcp",
        "http://[::ffff:a9fe:a9fe]/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://127.1/",
        "http://127\u3002" + "0.0.1/",
        "http://user:pass@93.184.216.34/",
        "http://93.184.216.34@127.0.0.1/",
        "http://[fe80::1]/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
    ],
)
async def test_an_address_of_this_network_is_not_registered(url: str) -> None:
    servers = worker(MemoryMcpServers())
    with pytest.raises(InvalidRequest, match="url: "):
        await servers.register(McpServer(name="b", url=url), user_id="ann")
    assert [server.name for server in await servers.list()] == ["ours"]


async def test_an_address_that_the_operator_allows_is_registered() -> None:
    servers = worker(MemoryMcpServers(), None, "127.0.0.1")
    await servers.register(McpServer(name="b", url="http://127.0.0.1/mcp"), user_id="ann")
    assert "b" in await servers.known()


async def test_the_callers_token_is_promised_only_where_it_is_kept() -> None:
    kinds = {"Authorization": AuthorizationKind.KUBERNETES}
    server = McpServer(name="b", url=PUBLIC, authorization_headers=kinds)
    with pytest.raises(InvalidRequest, match="kubernetes"):
        await worker(MemoryMcpServers()).register(server, user_id="ann")
    await worker(MemoryMcpServers(), token=True).register(server, user_id="ann")
