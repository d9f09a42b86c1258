"""What goes by age and by deletion, in started services: two workers, and two hosts."""

import asyncio
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from lightspeed_core.db.postgres import PostgresSettings
from tests.support.postgres import Postgres
from tests.support.service import Service, running_service
from tests.support.streams import read_frames

CONFIG = """\
name: retention
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", workers: {workers}}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection:
  feedback_enabled: true
  feedback_storage: {root}/feedback
  transcripts_enabled: true
  transcripts_storage: {root}/transcripts
  delete_transcripts_with_conversation: true
knowledge: {{product_docs: false}}
"""
RETENTION = "retention: {conversations_days: 7, transcripts_days: 7, feedback_days: 7}\n"
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
SECRET = "xyzzy-plugh-plover"
OLD = datetime.now(UTC) - timedelta(days=8)


@dataclass
class Installation:
    """Processes on one database: two workers on a file, or two services on a server."""

    folder: Path
    environment: dict[str, str]
    server: PostgresSettings | None = None

    @property
    def root(self) -> Path:
        """The directory of feedback and transcripts."""
        return self.folder / "shared"

    @property
    def file(self) -> Path:
        """The SQLite database."""
        return self.folder / "data0" / "lightspeed-stack.db"

    @contextmanager
    def running(self, more: str = "") -> Generator[list[Service]]:
        config = self.folder / "lcs.yaml"
        workers = 2 if self.server is None else 1
        config.write_text(CONFIG.format(root=self.root, workers=workers) + self._database() + more)
        with ExitStack() as stack:
            services = [
                stack.enter_context(
                    running_service(
                        self.folder / f"data{number}", environment=self.environment, config=config
                    )
                )
                for number in range(1 if self.server is None else 2)
            ]
            for service in services:
                service.wait_until_ready()
            yield services
            for service in services:
                assert service.terminate() in {0, -signal.SIGTERM}

    def age(self, conversation_ids: list[str]) -> None:
        """Let the last messages of conversations be eight days old."""
        if self.server is None:
            change = "UPDATE lcs_conversations SET last_message_at = ? WHERE conversation_id = ?"
            rows = [(OLD.replace(tzinfo=None).isoformat(" "), each) for each in conversation_ids]
            with closing(sqlite3.connect(self.file)) as connection, connection:
                connection.executemany(change, rows)
        else:
            asyncio.run(self._age_on_server(self.server, conversation_ids))

    async def _age_on_server(self, server: PostgresSettings, conversation_ids: list[str]) -> None:
        engine = Postgres(Path(server.host)).engine()
        change = text(
            f'UPDATE "{server.namespace}".lcs_conversations SET last_message_at = :old '
            "WHERE conversation_id = ANY(:ids)"
        )
        async with engine.connect() as connection:
            await connection.execute(change, {"old": OLD, "ids": conversation_ids})
        await engine.dispose()

    def _database(self) -> str:
        if self.server is None:
            return ""
        return (
            f"database: {{postgres: {{host: '{self.server.host}', db: {self.server.database}, "
            f"user: {self.server.user}, password: any, namespace: {self.server.namespace}}}}}\n"
        )


@pytest.fixture(params=["two workers", "two hosts"])
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, model_environment: dict[str, str]
) -> Installation:
    server = None
    if request.param == "two hosts":
        postgres = request.getfixturevalue("postgres")
        assert isinstance(postgres, Postgres)
        server = postgres.settings()
    return Installation(tmp_path, model_environment, server)


def ask(client: httpx2.Client, query: str, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/query", json={"query": query} | SILENT | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def eventually(is_so: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def files_in(root: Path) -> set[str]:
    return {path.parent.name for path in root.rglob("*.json")}


@pytest.mark.requirement("retention.conversations")
@pytest.mark.requirement("retention.files")
@pytest.mark.requirement("retention.workers")
def test_what_is_old_goes_once_and_what_is_young_stays(installation: Installation) -> None:
    with installation.running() as (service, *_), service.client() as client:
        answers = [ask(client, f"{SECRET} {number}") for number in range(4)]
        ids = [str(answer["conversation_id"]) for answer in answers]
        feedback = {"user_question": "?", "llm_response": "!", "sentiment": 1}
        given = client.post("/v1/feedback", json=feedback | {"conversation_id": ids[3]})
        assert given.status_code == 200
    *old, aged_transcript, young = ids
    installation.age(old)
    for file in (*installation.root.rglob(f"{aged_transcript}/*.json"), *feedback_of(installation)):
        os.utime(file, (OLD.timestamp(), OLD.timestamp()))

    with installation.running(RETENTION) as services:
        with services[-1].client() as client:
            for each in old:
                path = f"/v1/conversations/{each}"
                eventually(lambda path=path: client.get(path).status_code == 404)
            for each in (aged_transcript, young):
                assert client.get(f"/v1/conversations/{each}").status_code == 200
        eventually(lambda: files_in(installation.root) == {young})
        logs = "".join(service.output() for service in services)

    counts = re.findall(r"conversations were deleted by age count=(\d+) failed=0", logs)
    assert sum(map(int, counts)) == len(old)
    assert "Traceback" not in logs


def feedback_of(installation: Installation) -> list[Path]:
    return list((installation.root / "feedback").glob("*.json"))


@pytest.mark.requirement("retention.deletion")
@pytest.mark.requirement("store.erased")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_deletion_takes_the_transcripts_and_every_byte_of_the_file(
    tmp_path: Path, model_environment: dict[str, str], version: str
) -> None:
    installation = Installation(tmp_path, model_environment)
    with installation.running() as (service,), service.client() as client:
        kept = ask(client, "a question that stays")["conversation_id"]
        conversation_id = ask(client, f"{SECRET} " * 300)["conversation_id"]
        running = {"query": f"[[delay=50]] {SECRET} " * 40, "conversation_id": conversation_id}
        with client.stream("POST", "/v1/streaming_query", json=running | SILENT) as stream:
            frames = read_frames(stream.iter_text())
            while next(frames).event != "token":
                pass
            with service.client() as other:
                deleted = other.delete(f"/{version}/conversations/{conversation_id}")
            assert deleted.json()["deleted"]
            rest = [frame.event for frame in frames]

        assert rest[-1] == "interrupted"
        eventually(lambda: files_in(installation.root) == {kept})
        eventually(lambda: SECRET.encode() not in bytes_of(installation))
        assert b"a question that stays" in bytes_of(installation)
    assert SECRET not in service.output()


def bytes_of(installation: Installation) -> bytes:
    files = installation.file.parent.glob(f"{installation.file.name}*")
    return b"".join(file.read_bytes() for file in files)
