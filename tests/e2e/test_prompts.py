"""Which system prompt reaches the model, for each place that can name one."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from lightspeed_core.assistant.prompts import write_date
from lightspeed_core.config.shipped import shipped_root
from tests.support.service import Service, running_service
from tests.support.stub_llm import StubLLM

ASKED: dict[str, Any] = {"query": "Hi", "vector_store_ids": [], "generate_topic_summary": False}
PROFILE = """\
PROFILE_CONFIG = {
    "system_prompts": {
        "default": "From the profile of {{ product }}.",
        "topic_summary": "Name it for {{ product }}.",
    },
    "variables": {"product": "Console"},
}
"""


@dataclass
class Level:
    """What the configuration says of prompts, and what then reaches the model."""

    customization: dict[str, str]
    prompt: str


# Each level also holds what the levels below it would say.
LITERAL = {"system_prompt": "Literal, on {{ date }}."}
LEVELS = {
    "default": Level({}, "You are a helpful assistant"),
    "literal": Level(LITERAL, "Literal, on <today>."),
    "path": Level({**LITERAL, "system_prompt_path": "prompt.txt"}, "From the file: {as it stands}"),
    "profile": Level(
        {**LITERAL, "system_prompt_path": "prompt.txt", "profile_path": "profile.py"},
        "From the profile of Console.",
    ),
}


@dataclass
class Asked:
    """A running service with its level."""

    service: Service
    level: Level
    name: str


@pytest.fixture(scope="module", params=LEVELS)
def asked(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    model_environment: dict[str, str],
) -> Generator[Asked]:
    level = LEVELS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "prompt.txt").write_text("From the file: {as it stands}\n")
    (folder / "profile.py").write_text(PROFILE)
    customization = {
        key: str(folder / value) if key.endswith("_path") else value
        for key, value in level.customization.items()
    }
    config = folder / "lcs.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "name": "prompts",
                "service": {"host": "127.0.0.1", "port": "${env.LIGHTSPEED_PORT}"},
                "llama_stack": {
                    "use_as_library_client": True,
                    "library_client_config_path": str(shipped_root() / "run.yaml"),
                },
                "user_data_collection": {},
                "customization": customization,
            }
        )
    )
    with running_service(folder / "data", config=config, environment=model_environment) as started:
        started.wait_until_ready()
        yield Asked(started, level, request.param)


def system_prompts(stub: StubLLM) -> list[str]:
    return [request["body"]["messages"][0]["content"] for request in stub.requests()]


@pytest.mark.requirement("prompt.precedence")
@pytest.mark.parametrize("endpoint", ["/v1/query", "/v1/streaming_query"])
def test_the_prompt_of_the_highest_place_reaches_the_model(
    asked: Asked, stub: StubLLM, endpoint: str
) -> None:
    stub.clear()
    days = {write_date(datetime.now(UTC))}
    with asked.service.client() as client:
        for prompt in ({}, {"system_prompt": ""}, {"system_prompt": "Of the request {{ date }}"}):
            answer = client.post(endpoint, json=ASKED | prompt)
            assert answer.status_code == 200, answer.text
    days.add(write_date(datetime.now(UTC)))

    configured, empty, requested = system_prompts(stub)
    assert requested == "Of the request {{ date }}"
    assert {configured, empty} <= {asked.level.prompt.replace("<today>", day) for day in days}


@pytest.mark.requirement("prompt.topic")
def test_the_profile_says_how_a_topic_is_asked_for(asked: Asked, stub: StubLLM) -> None:
    stub.clear()
    with asked.service.client() as client:
        answer = client.post(
            "/v1/query", json=ASKED | {"generate_topic_summary": True, "system_prompt": "Mine."}
        )
    assert answer.status_code == 200
    assert stub.wait_for("streams", 2) == 2
    (topic,) = (prompt for prompt in system_prompts(stub) if prompt != "Mine.")
    assert (topic == "Name it for Console.") is (asked.name == "profile")
