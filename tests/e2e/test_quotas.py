"""Quotas on the started service, with a configuration as the original documents it."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from tests.support.collecting import database_section
from tests.support.postgres import Postgres
from tests.support.service import Service, running_service
from tests.support.streams import parse_stream

QUOTA = 400
CLUSTER = 1_000_000
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
_CONFIG = """\
name: quotas
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", workers: 2}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
knowledge: {{product_docs: false}}
quota_handlers:
  {database}
  limiters:
{limiters}
  scheduler: {{period: 1, database_reconnection_count: 10, database_reconnection_delay: 1}}
  enable_token_history: true
"""
DAILY = f"""\
    - {{type: user_limiter, name: daily, initial_quota: {QUOTA}, quota_increase: 0, period: 1 day}}
    - type: cluster_limiter
      name: monthly
      initial_quota: {CLUSTER}
      quota_increase: 0
      period: 30 days
"""
STEADY = """\
    - {type: cluster_limiter, name: steady, initial_quota: 0, quota_increase: 50, period: 1 second}
"""
RENEWED = "quotas were renewed limiter=steady count=1"


@contextmanager
def service_with(
    folder: Path, database: str, limiters: str, environment: dict[str, str]
) -> Generator[Service]:
    config = folder / "lcs.yaml"
    config.write_text(_CONFIG.format(database=database, limiters=limiters))
    with running_service(folder / "data", environment=environment, config=config) as service:
        service.wait_until_ready()
        yield service


@pytest.fixture(params=["sqlite", "postgres"])
async def service(
    request: pytest.FixtureRequest, tmp_path: Path, model_environment: dict[str, str]
) -> AsyncIterator[Service]:
    """Two workers, with quotas in a file or on a server."""
    settings: DatabaseSettings = SqliteSettings(path=tmp_path / "quota.sqlite")
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Postgres)
        settings = server.settings()
    database = json.dumps(database_section(settings))
    with service_with(tmp_path, database[1:-1], DAILY, model_environment) as started:
        yield started


async def ask(
    client: httpx2.AsyncClient, user: str, path: str = "/v1/query"
) -> tuple[httpx2.Response, dict[str, Any]]:
    """Ask, and return the answer with what it tells of tokens."""
    body = {"query": "How much is left?"} | SILENT
    answer = await client.post(path, json=body, params={"user_id": user})
    if answer.status_code != 200 or path == "/v1/query":
        return answer, answer.json()
    end = parse_stream(answer.text)[-1].whole
    return answer, end["data"] | {"available_quotas": end["available_quotas"]}


@pytest.mark.requirement("quota.overshoot")
@pytest.mark.attack(25)
async def test_fifty_questions_at_once_overshoot_a_quota_by_one_turn_and_no_other_user_notices(
    service: Service,
) -> None:
    async with service.async_client() as client:
        paths = ("/v1/query", "/v1/streaming_query") * 25
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(client, "ann", path)) for path in paths]
        answers = [each.result() for each in asked]
        while answers[-1][0].status_code == 200 or "0 tokens" in answers[-1][0].text:
            answers.append(await ask(client, "ann"))
        _, told = await ask(client, "ben")

    turns = [
        told["input_tokens"] + told["output_tokens"]
        for answer, told in answers
        if answer.status_code == 200
    ]
    assert QUOTA <= sum(turns) < QUOTA + max(turns)
    refusals = [(answer, told) for answer, told in answers if answer.status_code != 200]
    assert {answer.status_code for answer, _ in refusals} == {429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer, _ in refusals)
    assert refusals[-1][1] == {
        "detail": {
            "response": "The quota has been exceeded",
            "cause": "User ann has no available tokens",
        }
    }
    assert 86_000 < int(refusals[-1][0].headers["retry-after"]) <= 86_400
    spent = told["input_tokens"] + told["output_tokens"]
    assert told["available_quotas"] == {
        "UserQuotaLimiter": QUOTA - spent,
        "ClusterQuotaLimiter": CLUSTER - sum(turns) - spent,
    }


@pytest.mark.requirement("quota.schedule")
async def test_two_workers_renew_a_quota_once_in_each_period(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    file = tmp_path / "quota.sqlite"
    database = f"sqlite: {{db_path: {file}}}"
    with service_with(tmp_path, database, STEADY, model_environment) as service:
        async with service.async_client() as client:
            refused, _ = await ask(client, "ann")
            began = time.monotonic()
            assert refused.status_code == 429
            assert "Cluster has no available tokens" in refused.text
            told: dict[str, Any] = {}
            while refused.status_code != 200:
                await asyncio.sleep(0.1)
                refused, told = await ask(client, "ann")
            while service.output().count(RENEWED) < 3:
                await asyncio.sleep(0.1)
            elapsed = time.monotonic() - began
        service.terminate()
    with closing(sqlite3.connect(file)) as connection:
        [(left,)] = connection.execute("SELECT available FROM lcs_quotas").fetchall()
        [(used,)] = connection.execute(
            "SELECT input_tokens + output_tokens FROM lcs_token_usage"
        ).fetchall()
    renewals = service.output().count(RENEWED)
    assert renewals <= elapsed + 2
    assert left == 50 * renewals - used
    assert used == told["input_tokens"] + told["output_tokens"]
