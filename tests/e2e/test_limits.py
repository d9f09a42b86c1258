"""What the socket side refuses, shown byte by byte to a started service."""

import resource
import select
import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.raw_http import RawConnection, raw_connection
from tests.support.service import Service, running_service

LARGEST_BODY = 1_000_000
TIMEOUT_SECONDS = 2
BOUND_SECONDS = 15
IDLE_CONNECTIONS = 2000
CONFIG = f"""\
name: limits
service:
  host: 127.0.0.1
  port: "${{env.LIGHTSPEED_PORT}}"
  limits:
    max_body_bytes: {LARGEST_BODY}
    max_held_bytes: {LARGEST_BODY}
    header_timeout_seconds: {TIMEOUT_SECONDS}
    body_timeout_seconds: {TIMEOUT_SECONDS}
    keep_alive_seconds: {TIMEOUT_SECONDS}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
"""

HOST = b"Host: localhost\r\n"
PROBE = b"GET /liveness HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /v1/infer HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
BODY = b'{"question": "Say hello", "context": {"stdin": ""}}'
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def sized(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


@pytest.fixture(scope="module")
def limited(
    tmp_path_factory: pytest.TempPathFactory, model_environment: dict[str, str]
) -> Generator[Service]:
    """A service of little patience."""
    folder = tmp_path_factory.mktemp("limited")
    config = folder / "lcs.yaml"
    config.write_text(CONFIG)
    with running_service(folder / "data", environment=model_environment, config=config) as started:
        started.wait_until_ready()
        yield started


@pytest.fixture
def raw(limited: Service) -> Generator[RawConnection]:
    with raw_connection(limited.port) as connection:
        yield connection


def memory_of(service: Service) -> int:
    """Return the resident memory in bytes."""
    pages = Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def with_length(size: int) -> bytes:
    """Return a question of that many bytes."""
    frame = b'{"question": "x", "context": {"stdin": ""}, "skip_rag": true%s}'
    return frame % (b" " * (size - len(frame) + 2))


@pytest.mark.requirement("limits.body")
@pytest.mark.attack(28)
def test_a_body_as_large_as_allowed_is_served_and_one_byte_more_is_refused_unread(
    raw: RawConnection, limited: Service
) -> None:
    raw.send(POST, sized(with_length(LARGEST_BODY)))
    assert raw.answer().status == 200

    with raw_connection(limited.port) as other:
        other.send(POST, b"Content-Length: %d\r\n\r\n" % (LARGEST_BODY + 1))
        answer = other.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert answer.cause() == f"The request body exceeds the limit of {LARGEST_BODY} bytes."
        assert other.is_closed()


@pytest.mark.requirement("limits.body")
@pytest.mark.attack(28)
def test_a_body_in_chunks_without_end_is_refused_and_the_answer_is_read(
    raw: RawConnection, limited: Service
) -> None:
    before = memory_of(limited)
    raw.send(POST, CHUNKED, b"\r\n")
    # Far more than the buffers of both ends hold: the client sends on while it is answered.
    for _ in range(64):
        raw.send(chunk(b" " * 262_144))

    assert raw.answer().status == 413
    assert raw.is_closed()
    assert memory_of(limited) - before < 16 * LARGEST_BODY


@pytest.mark.requirement("limits.body")
@pytest.mark.attack(28)
def test_a_compressed_body_is_refused_and_never_inflated(raw: RawConnection) -> None:
    raw.send(POST, b"Content-Encoding: gzip\r\n", sized(b"\x1f\x8b" + b"\0" * 500))
    assert raw.answer().status == 415


@pytest.mark.requirement("limits.body")
@pytest.mark.attack(28)
def test_a_body_that_nobody_reads_ends_the_connection(raw: RawConnection) -> None:
    raw.send(b"GET /liveness HTTP/1.1\r\n", HOST, CHUNKED, b"\r\n")
    assert raw.answer().status == 200
    for _ in range(4):
        raw.send(chunk(b" " * 65_536))
    assert raw.is_closed()


@pytest.mark.requirement("limits.held")
def test_bodies_beyond_what_is_held_at_once_are_503_until_there_is_room(limited: Service) -> None:
    half = with_length(LARGEST_BODY * 6 // 10)
    with raw_connection(limited.port) as first, raw_connection(limited.port) as second:
        first.send(POST, b"Content-Length: %d\r\n\r\n" % len(half), half[:-1])
        second.send(POST, sized(half))
        refusal = second.answer()
        assert refusal.status == 503
        assert int(refusal.headers["retry-after"]) > 0

        first.send(half[-1:])
        assert first.answer().status == 200
    with raw_connection(limited.port) as third:
        third.send(POST, sized(half))
        assert third.answer().status == 200


@pytest.mark.requirement("limits.slow")
@pytest.mark.attack(29)
@pytest.mark.parametrize(
    "begun",
    [b"GET /live", b"GET /liveness HTTP/1.1\r\nHost: loc", POST + b"Content-Length: 9\r\n\r\n{"],
)
def test_a_request_that_stops_half_way_is_408_and_closed(raw: RawConnection, begun: bytes) -> None:
    raw.send(begun)
    answer = raw.answer()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert raw.is_closed()


@pytest.mark.requirement("limits.slow")
@pytest.mark.attack(29)
@pytest.mark.parametrize("begun", [b"", PROBE, PROBE + b"\r\n"])
def test_a_connection_that_asks_nothing_more_is_closed(raw: RawConnection, begun: bytes) -> None:
    raw.send(begun)
    if begun:
        assert raw.answer().status == 200
    assert raw.is_closed()


@pytest.mark.requirement("limits.slow")
@pytest.mark.attack(29)
def test_a_head_that_drips_is_timed_out_all_the_same(raw: RawConnection) -> None:
    raw.send(b"GET /liveness HTTP/1.1\r\n")
    until = time.monotonic() + BOUND_SECONDS
    while not select.select([raw.socket], [], [], 0.1)[0]:
        assert time.monotonic() < until
        raw.send(b"X-A: b\r\n")
    assert raw.answer().status == 408


@pytest.mark.requirement("limits.idle")
@pytest.mark.attack(29)
def test_thousands_of_idle_connections_leave_the_service_healthy_and_are_closed(
    limited: Service,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * IDLE_CONNECTIONS), hard))
    try:
        with ExitStack() as opened:
            idle = [
                opened.enter_context(raw_connection(limited.port)) for _ in range(IDLE_CONNECTIONS)
            ]
            with limited.client() as client:
                assert client.get("/liveness").status_code == 200
                assert client.get("/readiness").status_code == 200
            assert all(each.is_closed() for each in idle)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.requirement("limits.idle")
@pytest.mark.attack(29)
def test_when_all_connections_are_taken_the_one_idle_for_longest_gives_way(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    config = tmp_path / "lcs.yaml"
    config.write_text(CONFIG.replace("keep_alive_seconds: 2", "max_connections: 2"))
    with (
        running_service(tmp_path / "data", environment=model_environment, config=config) as few,
        ExitStack() as opened,
    ):
        few.wait_until_ready()
        first, second = (opened.enter_context(raw_connection(few.port)) for _ in range(2))
        for each in (first, second):
            each.send(PROBE)
            assert each.answer().status == 200
        third = opened.enter_context(raw_connection(few.port))
        third.send(PROBE)
        assert third.answer().status == 200
        assert first.is_closed()

        for each in (second, third):
            each.send(POST, b"Content-Length: 100\r\n\r\n")
        fourth = opened.enter_context(raw_connection(few.port))
        refusal = fourth.answer()
        assert refusal.status == 503
        assert int(refusal.headers["retry-after"]) > 0
        assert fourth.is_closed()


AMBIGUOUS = {
    "two lengths": sized(BODY).replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"),
    "a length twice": b"Content-Length: %d\r\n" % len(BODY) + sized(BODY),
    "a list of lengths": b"Content-Length: 5, 5\r\n\r\nabcde",
    "a signed length": b"Content-Length: +5\r\n\r\nabcde",
    "a length before chunks": b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks before a length": CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "another coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks that are not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks twice": CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "a vertical tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a bare line feed": b"X-A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare carriage return": b"X-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a NUL": b"X-A: b\0c\r\n" + sized(BODY),
    "a name with a space": b"X A: b\r\n" + sized(BODY),
    "no name": b": b\r\n" + sized(BODY),
    "a second host": HOST + sized(BODY),
    "a negative chunk": CHUNKED + b"\r\n-1\r\n",
    "a chunk in C": CHUNKED + b"\r\n0x5\r\nabcde\r\n0\r\n\r\n",
    "an overflowing chunk": CHUNKED + b"\r\nfffffffffffffffff\r\n",
    "a chunk with a line feed": CHUNKED + b"\r\n5\nabcde\r\n0\r\n\r\n",
    "a chunk without its end": CHUNKED + b"\r\n5\r\nabcdefg0\r\n\r\n",
    "extensions with a line feed": CHUNKED + b"\r\n5;a\nb\r\nabcde\r\n0\r\n\r\n",
    # More than is read from a connection at once, for what comes whole is not judged.
    "extensions without end": CHUNKED + b"\r\n5;" + b"a" * 600_000 + b"\r\nabcde\r\n0\r\n\r\n",
    "trailers without end": CHUNKED + b"\r\n0\r\n" + b"X-A: b\r\n" * 40_000 + b"\r\n",
    "an upgrade with a body": b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + sized(BODY),
}


@pytest.mark.requirement("limits.ambiguous")
@pytest.mark.attack(31)
@pytest.mark.parametrize("rest", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_request_that_two_servers_could_read_in_two_ways_is_400_and_closed(
    raw: RawConnection, rest: bytes
) -> None:
    # What follows must never be taken for a request of its own.
    raw.send(POST, rest, PROBE)
    answer = raw.answer()
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert raw.is_closed()


@pytest.mark.requirement("limits.ambiguous")
@pytest.mark.attack(31)
@pytest.mark.parametrize(
    "line",
    [
        b"GET http://other.example/liveness HTTP/1.1",
        b"CONNECT localhost:80 HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET /live ness HTTP/1.1",
        b"GET /liveness#x HTTP/1.1",
        b"GET /liveness HTTP/2.0",
        "GET /é HTTP/1.1".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_a_request_line_that_is_none_is_400_and_closed(raw: RawConnection, line: bytes) -> None:
    raw.send(line, b"\r\n", HOST, b"\r\n", PROBE)
    assert raw.answer().status == 400
    assert raw.is_closed()


@pytest.mark.requirement("limits.head")
@pytest.mark.attack(31)
@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        PROBE[:-2] + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
        PROBE[:-2] + b"X-A: b\r\n" * 120 + b"\r\n",
        PROBE[:-2] + b"X-A: " + b"a" * 1_000_000,
    ],
    ids=["line", "header", "headers", "endless"],
)
def test_a_head_beyond_the_limit_is_431_and_closed(raw: RawConnection, head: bytes) -> None:
    raw.send(head)
    answer = raw.answer()
    assert (answer.status, answer.headers["connection"]) == (431, "close")
    assert raw.is_closed()


@pytest.mark.requirement("limits.ambiguous")
@pytest.mark.attack(31)
def test_trailers_are_no_headers(raw: RawConnection) -> None:
    raw.send(POST, CHUNKED, b"\r\n", chunk(BODY), b"0\r\nX-Request-ID: smuggled\r\n\r\n")
    answer = raw.answer()
    assert answer.status == 200
    assert answer.headers["x-request-id"] != "smuggled"


@pytest.mark.requirement("limits.ambiguous")
@pytest.mark.attack(31)
def test_an_unknown_protocol_is_not_spoken_and_ends_the_connection(raw: RawConnection) -> None:
    raw.send(PROBE[:-2], b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", PROBE)
    assert raw.answer().status == 200
    assert raw.is_closed()


@pytest.mark.requirement("limits.ambiguous")
@pytest.mark.attack(31)
def test_requests_sent_at_once_are_answered_in_their_order(raw: RawConnection) -> None:
    not_found = PROBE.replace(b"/liveness", b"/nowhere")
    raw.send(POST, sized(BODY), PROBE, POST, CHUNKED, b"\r\n", chunk(BODY), b"0\r\n\r\n", not_found)
    answers = [raw.answer() for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 404]
    assert b'"alive"' in answers[1].body


@pytest.mark.requirement("limits.ambiguous")
@pytest.mark.attack(31)
def test_what_was_asked_before_garbage_is_answered_whole(raw: RawConnection) -> None:
    raw.send(POST, sized(BODY), b"\0\0\0garbage\r\n\r\n")
    answer = raw.answer()
    assert answer.status == 200
    assert b'"text"' in answer.body
    assert raw.is_closed()


@pytest.mark.requirement("limits.json")
@pytest.mark.attack(30)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"solr": {"filters": ' + b'{"a":' * 100 + b"1" + b"}" * 102,
        b'{"query": "x", "attachments": [' + b"0," * 100_000 + b"0]}",
        b'{"query": NaN}',
        rb'{"query": "\ud800"}',
        b'{"query": "\xed\xa0\x80"}',
        rb'{"query": "a\u0000b"}',
        b'{"query": "a\0b"}',
    ],
    ids=["depth", "depth in a field", "values", "NaN", "escape", "surrogate", "NUL", "raw NUL"],
)
def test_json_that_is_none_or_too_much_is_422(limited: Service, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    with limited.client() as client:
        answer = client.post("/v1/query", content=body, headers=headers)
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) <= 100
    assert len(answer.content) < 65_536


@pytest.mark.requirement("limits.json")
@pytest.mark.attack(30)
def test_a_long_text_is_served_or_refused_for_its_length(limited: Service) -> None:
    text = "x" * 900_000
    with limited.client() as client:
        limit = client.post("/v1/infer", json={"question": text})
        none = client.post("/v1/query", json={"query": text, "vector_store_ids": []})
    assert limit.status_code == 422
    assert none.status_code in {200, 413}
