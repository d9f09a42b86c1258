"""Hostile text in every place of every operation, over both databases, and faults behind them."""

import io
import json
import logging
import re
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import inspect
from sqlalchemy import text as sql

from lightspeed_core.app.settings import database_settings
from lightspeed_core.db.connect import SqliteSettings, connect
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.errors import EngineUnavailable
from lightspeed_core.observability.logging import LineFormatter
from tests.support.hostile import METACHARACTERS, PATHS, Hostile, hostile_requests
from tests.support.operations import REQUESTS, UNKNOWN_ID, WITHOUT_STORE
from tests.support.postgres import Postgres
from tests.support.whole import Whole, whole_service

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8")
)
KEY = "sk-proj-abcDEF1234567890"

# What an answer may hold of the inside: nothing. Descriptions of what was sent are no leak, so
# the text that was sent is taken out of an answer before it is looked through.
LEAKS = {
    "a stack trace": re.compile(r'Traceback \(most recent|File \\?"[^"]+", line \d'),
    "a path": re.compile(r"/(?:work|home|root|usr|tmp|var|etc|opt|site-packages)/[\w.-]"),
    "SQL": re.compile(r"(?i)\b(?:select .+ from|insert into|update \w+ set|delete from)\b|sqlite3"),
    "a key": re.compile(r"sk-[\w-]{8,}"),
    "a class of ours or a driver's": re.compile(
        r"\b\w+\.(?:exc|exceptions)\.\w+|asyncpg|sqlalchemy"
    ),
}


@pytest.fixture(params=["sqlite", "postgres"])
async def whole(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Whole]:
    # Deep, so that a path that climbs arrives where the test looks.
    root = tmp_path / "watched" / "a" / "b" / "c"
    root.mkdir(parents=True)
    async with whole_service(root, database_of(request, root)) as service:
        yield service


def database_of(request: pytest.FixtureRequest, root: Path) -> SqliteSettings | PostgresSettings:
    if request.param == "sqlite":
        return SqliteSettings(path=root / "lightspeed-stack.db")
    server = request.getfixturevalue("postgres")
    assert isinstance(server, Postgres)
    return server.settings()


async def ids_of(whole: Whole) -> dict[str, str]:
    asked = {"query": "Say hello"} | WITHOUT_STORE
    answer = (await whole.client.post("/v1/query", json=asked)).json()
    prompt = (await whole.client.post("/v1/prompts", json={"prompt": "x"})).json()
    return {
        "conversation_id": answer["conversation_id"],
        "request_id": UNKNOWN_ID,
        "provider_id": "scripted",
        "rag_id": "none",
        "prompt_id": prompt["prompt_id"],
        "saved_prompt_id": UNKNOWN_ID,
    }


async def send(client: httpx2.AsyncClient, request: Hostile) -> httpx2.Response:
    return await client.request(
        request.method,
        request.path,
        params=request.query,
        headers=request.headers,
        content=None if request.body is None else json.dumps(request.body).encode(),
        extensions={"timeout": {}},
    )


def leaks_in(answer: str, *sent: str) -> list[str]:
    for word in sent:
        answer = answer.replace(json.dumps(word)[1:-1], "").replace(word, "")
    return [name for name, pattern in LEAKS.items() if pattern.search(answer)]


def files_around(whole: Whole) -> set[Path]:
    """Return the files near the service, but those where its own belong."""
    watched = whole.root.parents[2]
    own = (whole.feedback, whole.transcripts)
    near = {path for path in watched.parent.rglob("*") if not any(map(path.is_relative_to, own))}
    return (
        near
        | set(Path.cwd().iterdir())
        | set(Path("/tmp").glob("escaped*"))
        | set(Path("/").iterdir())
    )


async def attack(whole: Whole, texts: tuple[str, ...]) -> list[str]:
    """Send every request; returns what was wrong with the answers."""
    wrong: Counter[str] = Counter()
    for text in texts:
        ids = await ids_of(whole)
        for request in hostile_requests(DOCUMENT, ids, text):
            if request.method == "DELETE" and request.place == "user":
                ids = await ids_of(whole)
            answer = await send(whole.client, request)
            where = f"{request.operation} {request.place} {text[:20]!r}: {answer.status_code}"
            if answer.status_code >= 500:
                wrong[f"{where} {answer.text[:200]}"] += 1
            for leak in leaks_in(answer.text, text):
                if answer.status_code >= 400:
                    wrong[f"{where} shows {leak}: {answer.text[:200]}"] += 1
    return sorted(wrong)


@pytest.mark.attack(32)
@pytest.mark.attack(40)
async def test_metacharacters_in_any_place_break_nothing_and_show_nothing(whole: Whole) -> None:
    mine = await ids_of(whole)

    assert await attack(whole, METACHARACTERS) == []

    answer = await whole.client.get(f"/v1/conversations/{mine['conversation_id']}")
    assert answer.status_code in {200, 404}
    assert (await whole.client.get("/v1/prompts")).status_code == 200


@pytest.mark.attack(33)
@pytest.mark.attack(40)
async def test_paths_in_any_place_are_keys_and_make_no_file_elsewhere(whole: Whole) -> None:
    await ids_of(whole)
    before = files_around(whole)

    assert await attack(whole, PATHS) == []

    new = {path for path in files_around(whole) - before if path.parent != whole.root}
    assert new == set()
    names = re.compile(r"[0-9a-f-]{36}\.json")
    for file in (*whole.feedback.rglob("*"), *whole.transcripts.rglob("*")):
        assert file.is_dir() or names.fullmatch(file.name), file


@pytest.mark.attack(32)
@pytest.mark.parametrize("text", METACHARACTERS)
async def test_metacharacters_come_back_as_they_were_sent(whole: Whole, text: str) -> None:
    client, mine = whole.client, {"user_id": text}
    others = await client.post("/v1/query?user_id=ann", json={"query": "x"} | WITHOUT_STORE)
    asked = {
        "query": text,
        "system_prompt": text.replace("{", "").replace("}", ""),
        "attachments": [{"attachment_type": "log", "content_type": "text/plain", "content": text}],
    } | WITHOUT_STORE

    answered = await client.post("/v1/query", params=mine, json=asked)
    assert answered.status_code == 200
    streamed = await client.post(
        "/v1/streaming_query",
        params=mine,
        json=asked | {"conversation_id": answered.json()["conversation_id"]},
    )
    assert streamed.status_code == 200
    assert whole.engine.chats[-1].messages[0].content == asked["system_prompt"]
    assert text in whole.engine.chats[-1].messages[-1].content

    conversation_id = answered.json()["conversation_id"]
    for version in ("v1", "v2"):
        path = f"/{version}/conversations"
        named = {"topic_summary": text}
        assert (await client.put(f"{path}/{conversation_id}", params=mine, json=named)).is_success
        [listed] = (await client.get(path, params=mine)).json()["conversations"]
        assert (listed["conversation_id"], listed["topic_summary"]) == (conversation_id, text)
        history = (await client.get(f"{path}/{conversation_id}", params=mine)).json()
        assert [turn["messages"][0]["content"] for turn in history["chat_history"]] == [text] * 2

    assert (await client.post("/authorized", params=mine)).json()["user_id"] == text
    await keep_and_read_back(whole, text, conversation_id)
    [left] = (await client.get("/v1/conversations?user_id=ann")).json()["conversations"]
    assert left["conversation_id"] == others.json()["conversation_id"]


async def keep_and_read_back(whole: Whole, text: str, conversation_id: str) -> None:
    """Store a text as feedback, prompt and saved prompt, and find it there and in transcripts."""
    client, mine = whole.client, {"user_id": text}
    given = {
        "conversation_id": conversation_id,
        "user_question": text,
        "llm_response": text,
        "user_feedback": text,
    }
    assert (await client.post("/v1/feedback", params=mine, json=given)).is_success
    [kept] = [json.loads(file.read_text()) for file in whole.feedback.iterdir()]
    assert kept | {"user_id": text} | given == kept

    made = await client.post("/v1/prompts", params=mine, json={"prompt": text})
    if made.is_success:  # braces are of the language of prompts, and may be refused
        path = f"/v1/prompts/{made.json()['prompt_id']}"
        assert (await client.get(path, params=mine)).json()["prompt"] == text
    else:
        assert "{" in text
    saved = {"name": text, "content": text}
    assert (await client.post("/v1/saved-prompts", params=mine, json=saved)).is_success
    [listed] = (await client.get("/v1/saved-prompts", params=mine)).json()["prompts"]
    assert (listed["name"], listed["content"]) == (text, text)

    written = [json.loads(file.read_text()) for file in whole.transcripts.rglob("*.json")]
    assert [script["redacted_query"] for script in written].count(text) == 2
    assert [script["attachments"][0]["content"] for script in written if script["attachments"]] == [
        text
    ] * 2


@pytest.fixture
def log() -> Generator[io.StringIO]:
    """Return the log as an operator has it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(is_colored=False))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


FAULTS = {
    "a fault of ours": RuntimeError(f"{KEY} in /usr/lib/x.py: SELECT a FROM b"),
    "an endpoint": EngineUnavailable("Connection error."),
}


@pytest.mark.attack(40)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_behind_any_operation_shows_nothing(
    whole: Whole, fault: str, log: io.StringIO
) -> None:
    ids = await ids_of(whole)
    for endpoint in ("/v1/query", "/v1/streaming_query", "/v1/infer"):
        whole.engine.will([FAULTS[fault]])
        body = {"question": KEY} if endpoint == "/v1/infer" else {"query": KEY} | WITHOUT_STORE
        answer = await whole.client.post(endpoint, json=body)
        assert answer.status_code in {500, 503}
        assert leaks_in(answer.text) == []
    whole.engine.down = EngineUnavailable("Connection error.")
    for request in hostile_requests(DOCUMENT, ids, "x"):
        answer = await send(whole.client, request)
        if answer.status_code >= 400:
            assert leaks_in(answer.text) == [], request
    assert "request failed status=50" in log.getvalue()
    assert KEY not in log.getvalue()


@pytest.mark.attack(40)
@pytest.mark.requirement("error.discreet")
async def test_a_database_that_is_gone_shows_no_statement(whole: Whole) -> None:
    ids = await ids_of(whole)
    await drop_tables(whole)
    statuses = Counter[int]()
    for operation in REQUESTS:
        for request in hostile_requests(DOCUMENT, ids, "x"):
            if request.operation == operation and request.place == "user":
                answer = await send(whole.client, request)
                statuses[answer.status_code] += 1
                if answer.status_code >= 400:
                    assert leaks_in(answer.text) == [], (request.operation, answer.text)
    assert statuses[500] >= 5


async def drop_tables(whole: Whole) -> None:
    """Take every table away from under the service."""
    settings = database_settings(whole.services.configuration)
    assert settings is not None
    engine = connect(settings)
    async with engine.begin() as connection:
        tables = await connection.run_sync(lambda opened: inspect(opened).get_table_names())
        cascade = " CASCADE" if isinstance(settings, PostgresSettings) else ""
        for table in tables:
            await connection.execute(sql(f'DROP TABLE "{table}"{cascade}'))
    await engine.dispose()
