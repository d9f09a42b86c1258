"""The README followed to the letter: its command, then its questions."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lightspeed_core.config.shipped import shipped_root
from tests.support.markdown import code_blocks
from tests.support.service import Service, free_port, service_environment
from tests.support.streams import parse_stream, text_of

ROOT = Path(__file__).resolve().parents[2]
INDEX_SECONDS = 60
BLOCKS = [block.text for block in code_blocks((ROOT / "README.md").read_text())]


@dataclass(frozen=True)
class Curl:
    """A curl command of the README."""

    path: str
    headers: dict[str, str]
    body: str

    def send(self, client: httpx2.Client) -> httpx2.Response:
        return client.post(self.path, content=self.body, headers=self.headers)


def curl_of(block: str) -> Curl:
    words = shlex.split(block)
    (address,) = [word for word in words if word.startswith("http://localhost:8080/")]
    header = words[words.index("-H") + 1]
    name, _, value = header.partition(": ")
    return Curl(
        path=address.removeprefix("http://localhost:8080"),
        headers={name: value},
        body=words[words.index("-d") + 1],
    )


ASK, FOLLOW = (curl_of(block) for block in BLOCKS if block.startswith("curl "))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """The service as the README's first command starts it, on another port."""
    folder = tmp_path_factory.mktemp("readme")
    port = free_port()
    (command,) = [block for block in BLOCKS if block == "make run\n"]
    log = folder / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            shlex.split(command),
            cwd=ROOT,
            env=service_environment(folder / "data", port, {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(process=process, port=port, log=log)
    try:
        service.wait_until_ready()
        wait_for_documents(service)
        yield service
    finally:
        # Make's child does not end with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_documents(service: Service) -> None:
    """Wait until keyword search answers; vectors may still be missing."""
    until = time.monotonic() + INDEX_SECONDS
    while "document embedded" not in service.output():
        assert time.monotonic() < until, service.output()
        time.sleep(0.1)


def check_citations(text: str, citations: list[dict[str, Any]], question: str) -> None:
    assert citations
    for citation in citations:
        assert citation["marker"] in text
        source = (shipped_root() / citation["document_id"]).read_text()
        assert source[citation["start"] : citation["end"]] == citation["quote"]
        assert question not in citation["quote"]


@pytest.mark.requirement("start.run")
@pytest.mark.requirement("start.curl")
def test_the_first_question_gets_a_cited_answer(started: Service) -> None:
    with started.client() as client:
        answer = ASK.send(client)

    assert answer.status_code == 200
    body = answer.json()
    question = "How do I change the port on which the service listens?"
    assert question in ASK.body
    assert "LIGHTSPEED_PORT" in body["response"]
    check_citations(body["response"], body["citations"], question)


@pytest.mark.requirement("start.curl")
def test_the_second_question_is_answered_as_a_stream(started: Service) -> None:
    with started.client() as client:
        answer = FOLLOW.send(client)

    events = parse_stream(answer.text)
    assert events[-1].event == "end"
    question = "How do I resume a stream after a lost connection?"
    assert question in FOLLOW.body
    assert "Last-Event-ID" in text_of(events)
    check_citations(text_of(events), events[-1].data["citations"], question)


@pytest.mark.requirement("page.viewers")
def test_the_address_of_the_readme_describes_the_api(started: Service) -> None:
    assert "<http://localhost:8080/docs>" in (ROOT / "README.md").read_text()
    with started.client() as client:
        answer = client.get("/docs")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.requirement("listen.loopback")
def test_the_service_listens_on_this_machine_alone(started: Service) -> None:
    assert f"url=http://127.0.0.1:{started.port}" in started.output()


@pytest.mark.requirement("model.choice")
def test_a_request_chooses_among_the_listed_models(service: Service) -> None:
    # The stub of the other fixture is the default there; the quoting model stays at hand.
    body: dict[str, Any] = {
        "query": "Say hello",
        "vector_store_ids": [],
        "generate_topic_summary": False,
    }
    with service.client() as client:
        default = client.post("/v1/query", json=body).json()
        chosen = client.post(
            "/v1/query", json=body | {"provider": "extractive", "model": "quote"}
        ).json()

    assert default["response"] == "You asked: Say hello"
    assert chosen["response"].startswith("I was given no documents")
