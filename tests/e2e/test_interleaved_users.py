"""A hundred users at once for a minute, each with a word: nobody reads another's anywhere."""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.user_data.transcripts import hashed_user_id
from tests.support.collecting import write_configuration
from tests.support.interleaved import WORD, Interleaved
from tests.support.key_server import key_server
from tests.support.service import Service, running_service
from tests.support.stub_llm import StubLLM
from tests.support.tokens import claims_of, token_key

USERS = 100
SECONDS = 60.0
LIFETIME = 3600


AUTHENTICATION = """\
authentication:
  module: jwk-token
  skip_for_health_probes: true
  jwk_config: {{url: "{url}"}}
"""


def signed_in(name: str) -> dict[str, str]:
    token = token_key().sign(claims_of(name, exp=int(time.time()) + LIFETIME))
    return {"Authorization": f"Bearer {token}"}


def words_in(text: str) -> set[str]:
    return set(WORD.findall(text))


async def use(service: Service) -> tuple[Sequence[Interleaved], Sequence[str]]:
    """Let all users live for a minute; return them and what leaked to them."""
    leaks: list[str] = []
    users = [
        Interleaved(service, f"user-{number}", leaks, signed_in(f"user-{number}"))
        for number in range(USERS)
    ]
    until = time.monotonic() + SECONDS
    async with asyncio.TaskGroup() as group:
        for user in users:
            group.create_task(user.live(is_over=lambda: time.monotonic() > until))
    return users, leaks


def check_upstream(stub: StubLLM) -> None:
    """Each prompt holds the words of one user, history and topics included."""
    prompts = [json.dumps(request["body"]) for request in stub.requests()]
    assert len(prompts) > USERS
    assert [prompt for prompt in prompts if len(words_in(prompt)) != 1] == []


def check_files(folder: Path, users: Sequence[Interleaved]) -> None:
    """A transcript lies in its user's folder, feedback names its user; each has their word."""
    words = {hashed_user_id(user.name): user.word for user in users}
    transcripts = list((folder / "transcripts").rglob("*.json"))
    assert len({file.relative_to(folder / "transcripts").parts[0] for file in transcripts}) == USERS
    for file in transcripts:
        owner = file.relative_to(folder / "transcripts").parts[0]
        assert words_in(file.read_text()) == {words[owner]}, file
    by_name = {user.name: user.word for user in users}
    ratings = [json.loads(file.read_text()) for file in (folder / "feedback").glob("*.json")]
    assert ratings
    for rating in ratings:
        assert words_in(json.dumps(rating)) == {by_name[rating["user_id"]]}


async def check_database(settings: DatabaseSettings, users: Sequence[Interleaved]) -> None:
    """Whatever is stored stands under its user: turns, and the titles that a model wrote."""
    async with SqlConversationStore(Database(settings)) as store:
        for user in users:
            conversations = await store.list(user.name)
            assert conversations
            for conversation in conversations:
                turns = await store.list_turns(conversation.conversation_id)
                assert {turn.user_id for turn in turns} == {user.name}
                assert words_in(f"{conversation} {turns}") == {user.word}


@pytest.mark.attack(21, 22)
@pytest.mark.requirement("isolation.words")
async def test_no_word_of_a_user_appears_where_another_can_read_it(
    tmp_path: Path, model_environment: dict[str, str], stub: StubLLM
) -> None:
    settings = SqliteSettings(path=tmp_path / "conversations.db")
    config = write_configuration(tmp_path, settings, workers=2)
    stub.clear()
    with key_server(token_key()) as keys, config.open("a") as file:
        file.write(AUTHENTICATION.format(url=keys.url))
        file.flush()
        with running_service(
            tmp_path / "data", environment=model_environment, config=config
        ) as service:
            service.wait_until_ready()

            users, leaks = await use(service)

            with service.client() as client:
                metrics = client.get("/metrics", headers=signed_in("operator")).text
            service.terminate()

    assert leaks == []
    assert min(user.answers for user in users) > 1
    assert words_in(service.output()) == set()
    assert "uvicorn.access" not in service.output()
    assert words_in(metrics) == set()
    check_upstream(stub)
    check_files(tmp_path, users)
    await check_database(settings, users)
