"""Registered servers of tools, over every store, as several workers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from lightspeed_core.errors import Conflict
from lightspeed_core.mcp.memory import MemoryMcpServers
from lightspeed_core.mcp.models import (
    AuthorizationKind,
    McpServer,
    RegisteredServer,
    ServerSource,
)
from lightspeed_core.mcp.sql import SqlMcpServers
from lightspeed_core.mcp.store import McpServerStore
from tests.contract.conftest import settings_for
from tests.support.databases import STORE_KINDS, open_stores

pytestmark = pytest.mark.requirement("store.mcp-servers")

GITHUB = McpServer(
    name="github",
    url="https://mcp.example.com/github",
    provider_id="own",
    authorization_headers={
        "Authorization": AuthorizationKind.CLIENT,
        "X-Cluster": AuthorizationKind.KUBERNETES,
        "X-OAuth": AuthorizationKind.OAUTH,
    },
    headers=("X-Request-ID", "X-Größe"),
    timeout=30,
)
WEATHER = McpServer(name="weather", url="http://127.0.0.1:9000/mcp")

type NewStore = Callable[[], Awaitable[McpServerStore]]


@pytest.fixture(params=STORE_KINDS)
async def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewStore]:
    settings = settings_for(str(request.param), request, tmp_path)
    async with open_stores(settings, MemoryMcpServers().beside, SqlMcpServers) as new_store:
        yield new_store


@pytest.fixture
async def servers(new_store: NewStore) -> McpServerStore:
    return await new_store()


@pytest.fixture
async def others(new_store: NewStore) -> McpServerStore:
    """A second worker beside `servers`."""
    return await new_store()


async def test_a_registered_server_reads_back_as_it_was_on_every_worker(
    servers: McpServerStore, others: McpServerStore
) -> None:
    registered = await servers.add(GITHUB, user_id="user:default/ann")

    assert registered == RegisteredServer(
        server=GITHUB,
        source=ServerSource.API,
        registered_by="user:default/ann",
        registered_at=registered.registered_at,
    )
    assert registered.registered_at.tzinfo is not None
    for worker in (servers, others):
        assert await worker.find("github") == registered
        assert await worker.list() == [registered]


async def test_servers_are_listed_in_the_order_of_their_registration(
    servers: McpServerStore, others: McpServerStore
) -> None:
    assert await servers.list() == []
    weather = await servers.add(WEATHER, user_id="ann", source=ServerSource.CONFIG)
    github = await others.add(GITHUB, user_id="ben")

    assert await servers.list() == [weather, github]
    assert weather.source is ServerSource.CONFIG


async def test_a_name_is_registered_once_and_the_first_stays(
    servers: McpServerStore, others: McpServerStore
) -> None:
    first = await servers.add(WEATHER, user_id="ann")

    with pytest.raises(Conflict) as refusal:
        await others.add(WEATHER, user_id="ann")

    assert refusal.value.message == "Mcp Server already exists"
    assert refusal.value.cause == "Mcp Server with name 'weather' is already registered"
    assert await servers.list() == [first]


async def test_of_many_who_register_a_name_at_once_one_succeeds(
    servers: McpServerStore, others: McpServerStore
) -> None:
    async def register(worker: McpServerStore, number: int) -> RegisteredServer | None:
        server = McpServer(name="weather", url=f"http://127.0.0.1:{9000 + number}/mcp")
        try:
            return await worker.add(server, user_id=f"user {number}")
        except Conflict:
            return None

    workers = (servers, others) * 8
    outcomes = await asyncio.gather(*(register(each, n) for n, each in enumerate(workers)))

    registered = [outcome for outcome in outcomes if outcome is not None]
    assert len(registered) == 1
    assert await others.list() == registered


async def test_a_deleted_server_is_gone_and_its_name_is_free(
    servers: McpServerStore, others: McpServerStore
) -> None:
    github = await servers.add(GITHUB, user_id="ann")
    await servers.add(WEATHER, user_id="ann")

    assert await others.delete("weather") is True
    assert await servers.delete("weather") is False
    assert await servers.find("weather") is None
    assert await servers.list() == [github]
    assert (await servers.add(WEATHER, user_id="ben")).registered_by == "ben"
