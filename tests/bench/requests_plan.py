"""What is measured: upstreams, numbers of callers, and the ways to an answer."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.processes import Meter, run_measured
from tests.bench.samples import Batch

TOKENS = 50
CALLERS = (1, 32, 128)
QUESTION = "How do I start?"
# Without a store, and without the second model call that titles a conversation.
RETRIEVING: Mapping[str, Any] = {"query": QUESTION, "generate_topic_summary": False}
BARE: Mapping[str, Any] = {**RETRIEVING, "vector_store_ids": []}


@dataclass(frozen=True)
class Upstream:
    """How the fake model answers, and how many requests are worth waiting for."""

    name: str
    options: tuple[str, ...]
    requests: Mapping[int, int]
    has_retrieval: bool


UPSTREAMS = (
    Upstream("zero delay", (), {1: 60, 32: 256, 128: 384}, has_retrieval=True),
    Upstream(
        "200 ms, then 20 ms a token",
        ("--first", "200", "--delay", "20"),
        {1: 5, 32: 64, 128: 128},
        has_retrieval=False,
    ),
)


@dataclass(frozen=True)
class User:
    """Who asks: by a bearer token, or as the query names them."""

    token: str = ""
    query: str = ""


@dataclass(frozen=True)
class Way:
    """One way to an answer; `measure` takes callers and requests."""

    name: str
    shape: str
    measure: Callable[[int, int], Batch]


def client_way(client: str, base_url: str, shape: str) -> Way:
    """Measure a client that calls the upstream itself."""

    def measure(callers: int, requests: int) -> Batch:
        arguments = (client, base_url, str(callers), str(requests), shape)
        return run_measured("tests.bench.clients", *arguments)

    names = {"httpx": "plain httpx call", "openai": "openai SDK call"}
    return Way(names[client], shape, measure)


def server_way(name: str, shape: str, *, url: str, body: Mapping[str, Any], meter: Meter) -> Way:
    """Measure a server under load."""

    def measure(callers: int, requests: int) -> Batch:
        return measured_load(url, [body], meter, callers=callers, requests=requests)

    return Way(name, shape, measure)


def measured_load(
    url: str,
    bodies: Iterable[Mapping[str, Any]],
    meter: Meter,
    *,
    callers: int,
    requests: int,
    users: Sequence[User] = (),
) -> Batch:
    """Put a server under load, and read its CPU before and after.

    Each body is sent by each of the users, where there are any.
    """
    mark = '"token"' if "streaming_query" in url else '"content"'
    before = meter.cpu()
    texts = [json.dumps(body) for body in bodies]
    lines = "\n".join(
        f"{text}\t{user.token}\t{user.query}" for user in users or (User(),) for text in texts
    )
    arguments = (url, str(callers), str(requests), mark)
    batch = run_measured("tests.bench.load", *arguments, body=lines.encode())
    return dataclasses.replace(batch, cpu=meter.cpu() - before)
