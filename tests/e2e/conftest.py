from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from tests.support.service import Service, running_service
from tests.support.stub_llm import StubLLM, stub_llm

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def stub() -> Generator[StubLLM]:
    with stub_llm() as started:
        yield started


@pytest.fixture(scope="session")
def model_environment(stub: StubLLM) -> dict[str, str]:
    """What switches the stub on as the default model."""
    return {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": stub.base_url,
        "OPENAI_MODEL": "fake-llm",
    }


@pytest.fixture(scope="session")
def service(
    tmp_path_factory: pytest.TempPathFactory, model_environment: dict[str, str]
) -> Generator[Service]:
    """A service over the stub, shared by tests that leave it as it was."""
    data: Path = tmp_path_factory.mktemp("service") / "data"
    with running_service(data, environment=model_environment) as started:
        started.wait_until_ready()
        yield started
