"""What all tests may share: one PostgreSQL server, started when the first of them asks for it."""

from collections.abc import Generator

import pytest

from tests.support.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    with postgres_server() as server:
        yield server
