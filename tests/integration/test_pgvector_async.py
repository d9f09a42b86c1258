"""Vector stores in PostgreSQL: what happens to connections, rights, schemas and large stores."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from llama_stack_api import Api
from pydantic import ValidationError
from sqlalchemy import text

from lightspeed_core.db.connect import connect, for_reading
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_stack_providers.pgvector_async import PgvectorAsyncConfig, get_adapter_impl
from lightspeed_stack_providers.pgvector_async.failures import DatabaseUnusable
from lightspeed_stack_providers.pgvector_async.provider import get_provider_spec
from lightspeed_stack_providers.vector_stores.shelved import ShelvedStores
from tests.integration.test_postgres_tls import doorman
from tests.support.postgres import DATABASE, USER, Postgres
from tests.support.postgres_messenger import messenger
from tests.support.tls_endpoint import write_certificate
from tests.support.vector_store_kinds import OpenProvider, opening, pgvector_config
from tests.unit.providers.faiss_hybrid.parts import (
    DIMENSION,
    STORE,
    WordEmbedder,
    chunk,
    document,
    found_ids,
    insert,
    listed,
    query,
    store,
)

pytestmark = pytest.mark.requirement("stores.postgres")


@pytest.fixture
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenProvider]:
    async with opening("pgvector_async", request, tmp_path) as open_provider:
        yield open_provider


@pytest.fixture
async def provider(opened: OpenProvider) -> ShelvedStores:
    provider = await opened()
    await provider.register_vector_store(store())
    return provider


async def run(postgres: Postgres, *statements: str, database: str = DATABASE) -> None:
    """Run statements as the administrator."""
    settings = PostgresSettings(
        host=str(postgres.folder), database=database, user=USER, password="any"
    )
    engine = for_reading(connect(settings))
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def end_connections(postgres: Postgres) -> None:
    """Let the server end what the provider has open."""
    await run(
        postgres,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'lightspeed-stack-vectors'",
    )


async def open_as(config: dict[str, Any]) -> ShelvedStores:
    inference: Any = WordEmbedder()
    return await get_adapter_impl(
        PgvectorAsyncConfig.model_validate(config), {Api.inference: inference}
    )


async def test_a_dropped_connection_is_opened_again(
    provider: ShelvedStores, postgres: Postgres
) -> None:
    await insert(provider, chunk("a", "alpha"))
    await end_connections(postgres)
    assert await found_ids(provider, "alpha") == ["a"]
    await end_connections(postgres)
    await insert(provider, chunk("b", "beta"))
    assert await found_ids(provider, "beta", mode="keyword") == ["b"]


async def test_a_connection_that_is_ending_is_opened_again(
    postgres: Postgres, tmp_path: Path
) -> None:
    async with messenger(postgres, tmp_path) as between:
        provider = await open_as(
            {**pgvector_config(postgres, f"ending-{uuid4().hex}"), "host": str(tmp_path)}
        )
        try:
            await provider.register_vector_store(store())
            await between.announce_shutdown()
            await insert(provider, chunk("a", "alpha"))
            await between.announce_shutdown()
            assert await found_ids(provider, "alpha") == ["a"]
        finally:
            await provider.shutdown()


async def test_a_server_that_was_away_is_found_again(
    provider: ShelvedStores, postgres: Postgres
) -> None:
    await insert(provider, chunk("a", "alpha"))
    (socket,) = [path for path in postgres.folder.glob(".s.PGSQL.*") if path.suffix != ".lock"]
    await end_connections(postgres)
    hidden = socket.rename(socket.with_name("hidden"))
    try:
        with pytest.raises(DatabaseUnusable, match="See that the server is up"):
            await found_ids(provider, "alpha")
        assert (await provider.health())["status"] == "Error"
    finally:
        hidden.rename(socket)
    assert await found_ids(provider, "alpha") == ["a"]
    assert (await provider.health())["status"] == "OK"


async def test_processes_that_start_together_make_the_tables_once(opened: OpenProvider) -> None:
    async def first_steps(number: int) -> None:
        provider = await opened()
        await provider.register_vector_store(store())
        await insert(provider, chunk(f"c{number}", "alpha"))

    async with asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(first_steps(number))
    provider = await opened()
    assert len(await found_ids(provider, "alpha", mode="keyword")) == 6


async def test_what_many_write_at_the_same_time_is_all_there(
    provider: ShelvedStores, opened: OpenProvider
) -> None:
    other = await opened()

    async def write(writer: ShelvedStores, number: int) -> None:
        await insert(writer, *document(f"d{number}", "h1", ["alpha one", "alpha two"]))

    async with asyncio.TaskGroup() as tasks:
        for number in range(24):
            tasks.create_task(write((provider, other)[number % 2], number))
    assert len(await listed(provider)) == 24
    assert len(await found_ids(other, "alpha", mode="vector", max_chunks=100)) == 48


async def test_tables_of_a_later_release_are_refused(postgres: Postgres) -> None:
    namespace = f"later-{uuid4().hex}"
    config = pgvector_config(postgres, namespace)
    await (await open_as(config)).shutdown()
    await run(postgres, f'UPDATE "{namespace}".lcs_vector_schema SET version = 99')
    with pytest.raises(DatabaseUnusable, match=r"have the format 99.*another table_prefix"):
        await open_as(config)
    beside = await open_as({**config, "table_prefix": "other_"})
    assert await beside.kept_stores() == []
    await beside.shutdown()


async def test_tables_of_the_release_before_are_renewed_with_all_that_they_hold(
    postgres: Postgres,
) -> None:
    namespace = f"before-{uuid4().hex}"
    config = pgvector_config(postgres, namespace)
    provider = await open_as(config)
    await provider.register_vector_store(store())
    await insert(provider, *document("d", "h1", ["alpha"]))
    await provider.shutdown()
    await run(
        postgres,
        f'ALTER TABLE "{namespace}".lcs_vector_documents DROP COLUMN attributes',
        f'UPDATE "{namespace}".lcs_vector_schema SET version = 1',
    )
    renewed = await open_as(config)
    assert await found_ids(renewed, "alpha") == ["d-h1-0"]
    (text,) = (await renewed.openai_retrieve_vector_store_file_contents(STORE, "d")).data
    assert (text.text, text.metadata) == ("alpha", None)
    await renewed.shutdown()


async def test_what_the_user_may_not_do_is_named_with_the_way_out(postgres: Postgres) -> None:
    database, user = f"bare_{uuid4().hex[:8]}", f"plain_{uuid4().hex[:8]}"
    config = {**pgvector_config(postgres, "vectors"), "db": database, "user": user}
    with pytest.raises(DatabaseUnusable, match="does not exist"):
        await open_as(config)
    await run(postgres, f"CREATE ROLE {user} LOGIN", f"CREATE DATABASE {database}")
    with pytest.raises(DatabaseUnusable, match=r"permission denied.*namespace"):
        await open_as(config)
    await run(postgres, f"GRANT CREATE ON DATABASE {database} TO {user}")
    with pytest.raises(DatabaseUnusable, match=r"administrator run CREATE EXTENSION vector in"):
        await open_as(config)
    await run(postgres, "CREATE EXTENSION vector", database=database)
    provider = await open_as(config)
    await provider.register_vector_store(store())
    await insert(provider, chunk("a", "alpha"))
    assert await found_ids(provider, "alpha") == ["a"]
    await provider.shutdown()


async def test_a_large_store_is_searched_by_its_index_and_filters_cost_no_results(
    provider: ShelvedStores,
) -> None:
    chosen = random.Random(7)
    vectors = [[chosen.gauss(0, 1) for _ in range(DIMENSION)] for _ in range(5_400)]
    for start in range(0, len(vectors), 1_800):
        part = vectors[start : start + 1_800]
        await insert(
            provider,
            *(
                chunk(f"v{start + index}", "alpha", vector=each, group=(start + index) % 90)
                for index, each in enumerate(part)
            ),
        )
    hits = 0
    for _ in range(10):
        asked = [chosen.gauss(0, 1) for _ in range(DIMENSION)]
        found = await query(provider, "x", mode="vector", embedding=asked)
        hits += len({name for name, _ in found} & set(nearest(vectors, asked, range(5_400))))
        group = chosen.randrange(90)
        wanted = {"type": "eq", "key": "group", "value": group}
        among = await found_ids(provider, "x", mode="vector", embedding=asked, filters=wanted)
        assert among == nearest(vectors, asked, range(group, 5_400, 90))
    assert hits >= 95


def nearest(vectors: list[list[float]], asked: list[float], among: range) -> list[str]:
    def similarity(index: int) -> float:
        vector = vectors[index]
        norm = sum(value * value for value in vector) ** 0.5
        return sum(one * other for one, other in zip(vector, asked, strict=True)) / norm

    return [f"v{index}" for index in sorted(among, key=similarity, reverse=True)[:10]]


@pytest.mark.parametrize(
    ("settings", "has_tls", "is_heard"),
    [
        ({"ssl_mode": "require"}, True, True),
        ({"ssl_mode": "require"}, False, False),
        ({"ssl_mode": "verify-full"}, True, True),
        ({"ssl_mode": "verify-full", "ca_cert_path": "other"}, True, False),
        ({"ssl_mode": "disable"}, False, True),
    ],
)
async def test_the_server_is_met_as_ssl_mode_says(
    tmp_path: Path, settings: dict[str, str], has_tls: bool, is_heard: bool
) -> None:
    certificate = write_certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    trusted = write_certificate(other) if settings.get("ca_cert_path") else certificate
    config: dict[str, Any] = {
        "host": "127.0.0.1",
        "db": "d",
        "user": "u",
        "password": "p",
        "ssl_mode": settings["ssl_mode"],
        "ca_cert_path": trusted if settings["ssl_mode"].startswith("verify") else None,
    }
    async with doorman(certificate if has_tls else None) as door:
        with pytest.raises(DatabaseUnusable):
            await open_as({**config, "port": door.port})
        assert bool(door.heard) is is_heard


@pytest.mark.parametrize(
    "wrong",
    [{"table_prefix": 'a"; DROP'}, {"namespace": ""}, {"pool_size": 0}, {"unknown": 1}],
)
def test_a_setting_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PgvectorAsyncConfig.model_validate({"db": "d", "user": "u", **wrong})


def test_the_stack_finds_the_provider_by_its_type_and_no_secret_is_shown() -> None:
    spec = get_provider_spec()
    assert (spec.api, spec.provider_type) == (Api.vector_io, "remote::pgvector_async")
    config = PgvectorAsyncConfig.model_validate({"db": "d", "user": "u", "password": "hush"})
    assert "hush" not in repr(config)
