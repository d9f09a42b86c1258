"""Every operation of a started service that keeps everything on PostgreSQL."""

from collections.abc import Generator
from typing import Any

import httpx2
import pytest
import yaml

from lightspeed_core.db.postgres import PostgresSettings
from tests.support.collecting import database_section
from tests.support.operations import REQUESTS, check_operation, ids_for, operations_of
from tests.support.postgres import Postgres
from tests.support.service import Service, running_service

pytestmark = [
    pytest.mark.requirement("store.postgres"),
    pytest.mark.requirement("api.description"),
]


@pytest.fixture(scope="module")
def settings(postgres: Postgres) -> PostgresSettings:
    return postgres.settings()


@pytest.fixture(scope="module")
def on_postgres(
    tmp_path_factory: pytest.TempPathFactory,
    settings: PostgresSettings,
    model_environment: dict[str, str],
) -> Generator[Service]:
    folder = tmp_path_factory.mktemp("on-postgres")
    configuration = {
        "name": "on PostgreSQL",
        "service": {"host": "127.0.0.1", "port": "${env.LIGHTSPEED_PORT}"},
        "llama_stack": {
            "use_as_library_client": True,
            "library_client_config_path": "shipped:run.yaml",
        },
        "user_data_collection": {
            "feedback_enabled": True,
            "feedback_storage": str(folder / "feedback"),
        },
        "knowledge": {"product_docs": True},
        "database": database_section(settings),
    }
    config = folder / "lcs.yaml"
    config.write_text(yaml.safe_dump(configuration))
    with running_service(folder / "data", environment=model_environment, config=config) as started:
        started.wait_until_ready()
        yield started


@pytest.fixture(scope="module")
def client(on_postgres: Service) -> Generator[httpx2.Client]:
    with on_postgres.client() as client:
        yield client


@pytest.fixture(scope="module")
def document(client: httpx2.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def ids(client: httpx2.Client, settings: PostgresSettings) -> dict[str, str]:
    return ids_for(client, settings)


def test_every_operation_is_asked(document: dict[str, Any]) -> None:
    assert operations_of(document) == REQUESTS.keys()


@pytest.mark.parametrize("operation", REQUESTS)
def test_every_operation_answers_as_it_is_described(
    client: httpx2.Client, document: dict[str, Any], ids: dict[str, str], operation: str
) -> None:
    check_operation(client, document, ids, operation)
