import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from pathlib import Path

import pytest

from lightspeed_stack_providers.failures import (
    UpstreamContextTooLong,
    UpstreamCut,
    UpstreamFailure,
    UpstreamGarbage,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnreachable,
)
from lightspeed_stack_providers.lean import LeanDelta, LeanToolCall
from lightspeed_stack_providers.openai_compatible.impl import OpenAICompatible
from tests.support.openai_provider import asking, lean, params, provided, text_of
from tests.support.stub_llm import StubLLM, stub_llm
from tests.support.tls_endpoint import TlsEndpoint, tls_endpoint

TOOLS = [{"type": "function", "function": {"name": "get"}}]


@pytest.fixture(scope="module")
def running_stub() -> Generator[StubLLM]:
    with stub_llm() as stub:
        yield stub


@pytest.fixture
def stub(running_stub: StubLLM) -> StubLLM:
    running_stub.clear()
    return running_stub


@pytest.fixture
async def provider(stub: StubLLM) -> AsyncGenerator[OpenAICompatible]:
    async with provided(stub.base_url, api_key="sk-test") as provider:
        yield provider


async def fails(
    provider: OpenAICompatible, question: str, cause: type[UpstreamFailure]
) -> tuple[UpstreamFailure, list[LeanDelta]]:
    seen: list[LeanDelta] = []
    with pytest.raises(cause) as caught:
        async for delta in provider.lean_chat(asking(question)):
            seen.append(delta)  # noqa: PERF401 -- what came before the failure counts
    return caught.value, seen


async def test_a_lean_stream_begins_empty_and_ends_with_usage(provider: OpenAICompatible) -> None:
    deltas = await lean(provider, "what is it?")
    assert deltas[0] == LeanDelta()
    assert text_of(deltas) == "You asked: what is it?"
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage == (3, 5)


async def test_the_endpoint_is_sent_key_model_and_the_wish_for_usage(
    provider: OpenAICompatible, stub: StubLLM
) -> None:
    await lean(provider, "hi", temperature=0.5)
    (request,) = stub.requests()
    assert request["headers"]["authorization"] == "Bearer sk-test"
    assert request["body"] == asking(
        "hi", temperature=0.5, stream=True, stream_options={"include_usage": True}
    )


@pytest.mark.parametrize("shape", ["[[crlf]]", "[[split]]", "[[comments]]", "[[crlf]][[split]]"])
async def test_other_shapes_of_the_stream_read_the_same(
    provider: OpenAICompatible, shape: str
) -> None:
    deltas = await lean(provider, f"{shape}[[tokens=20]]")
    assert text_of(deltas) == "".join(f"w{n} " for n in range(20))


async def test_tool_calls_come_whole_with_the_last_delta(provider: OpenAICompatible) -> None:
    question = '[[tool=get {"city": "Brno"}]][[tool=get]]'
    deltas = await lean(provider, question, tools=TOOLS)
    assert [delta.tool_calls for delta in deltas[:-1] if delta.tool_calls] == []
    assert deltas[-1].finish_reason == "tool_calls"
    assert deltas[-1].tool_calls == (
        LeanToolCall(id="call_0", name="get", arguments='{"city": "Brno"}'),
        LeanToolCall(id="call_1", name="get", arguments="{}"),
    )


async def test_an_endpoint_that_does_not_stream_is_understood(provider: OpenAICompatible) -> None:
    deltas = await lean(provider, "[[nostream]]hi")
    assert deltas[0] == LeanDelta()
    assert text_of(deltas) == "You asked: hi"
    assert deltas[-1].finish_reason == "stop"


async def test_reasoning_is_kept_out_of_the_answer(provider: OpenAICompatible) -> None:
    assert text_of(await lean(provider, "[[reasoning=let me see]]hi")) == "You asked: hi"


async def test_a_finished_answer_needs_no_end_mark(provider: OpenAICompatible) -> None:
    assert text_of(await lean(provider, "[[nodone]]hi")) == "You asked: hi"


async def test_a_length_stop_is_told(provider: OpenAICompatible) -> None:
    assert (await lean(provider, "[[finish=length]]hi"))[-1].finish_reason == "length"


@pytest.mark.parametrize(
    ("question", "cause", "attempts"),
    [
        ("[[status=401]]", UpstreamUnauthorized, 1),
        ("[[status=403]]", UpstreamUnauthorized, 1),
        ("[[status=400]]", UpstreamRejected, 1),
        ("[[status=307 location=http://elsewhere.invalid/]]", UpstreamRejected, 1),
        ("[[context]]", UpstreamContextTooLong, 1),
        ("[[garbage]]", UpstreamGarbage, 1),
        ("[[raw=plain]]", UpstreamGarbage, 1),
        ("[[raw=3]]", UpstreamGarbage, 1),
        ('[[raw={"choices": [{"message": 3}]}]]', UpstreamGarbage, 1),
        ('[[raw={"error": {"code": "rate_limit_exceeded"}}]]', UpstreamRateLimited, 1),
        ("[[status=429 retry-after=0]]", UpstreamRateLimited, 3),
        ("[[status=429 retry-after=60]]", UpstreamRateLimited, 1),
        ("[[status=500 retry-after=0]]", UpstreamRejected, 3),
    ],
)
async def test_a_refusal_is_typed_and_retried_only_where_that_may_help(
    provider: OpenAICompatible,
    stub: StubLLM,
    question: str,
    cause: type[UpstreamFailure],
    attempts: int,
) -> None:
    _, seen = await fails(provider, question, cause)
    assert seen == []
    assert len(stub.requests()) == attempts


async def test_a_long_rate_limit_is_told_at_once(provider: OpenAICompatible) -> None:
    failure, _ = await fails(provider, "[[status=429 retry-after=60]]", UpstreamRateLimited)
    assert isinstance(failure, UpstreamRateLimited)
    assert failure.retry_after == 60


async def test_a_passing_trouble_is_outlived(provider: OpenAICompatible, stub: StubLLM) -> None:
    deltas = await lean(provider, "[[status=503 times=2 retry-after=0]]hi")
    assert text_of(deltas) == "You asked: hi"
    assert len(stub.requests()) == 3


async def test_retries_can_be_switched_off(stub: StubLLM) -> None:
    async with provided(stub.base_url, max_retries=0) as provider:
        await fails(provider, "[[status=503]]", UpstreamRejected)
    assert len(stub.requests()) == 1


@pytest.mark.parametrize(
    ("question", "cause", "text"),
    [
        ("[[tokens=9]][[cut=5]]", UpstreamCut, "w0 w1 w2 w3 w4 "),
        ("[[tokens=2]][[nofinish]]", UpstreamCut, "w0 w1 "),
        ("[[tokens=9]][[broken=4]]", UpstreamGarbage, "w0 w1 w2 w3 "),
        ("[[tokens=3]][[error=rate_limit_exceeded slow]]", UpstreamRateLimited, "w0 w1 w2 "),
        ("[[tokens=3]][[error=server_error oops]]", UpstreamRejected, "w0 w1 w2 "),
    ],
)
async def test_a_failure_inside_the_stream_keeps_what_came_and_is_never_retried(
    provider: OpenAICompatible,
    stub: StubLLM,
    question: str,
    cause: type[UpstreamFailure],
    text: str,
) -> None:
    _, seen = await fails(provider, question, cause)
    assert text_of(seen) == text
    assert len(stub.requests()) == 1


async def test_silence_before_the_answer_is_unreachable(stub: StubLLM) -> None:
    async with provided(stub.base_url, idle_timeout=0.2) as provider:
        await fails(provider, "[[hang]]", UpstreamUnreachable)
    assert len(stub.requests()) == 1


async def test_silence_inside_the_answer_is_a_cut(stub: StubLLM) -> None:
    async with provided(stub.base_url, idle_timeout=0.2) as provider:
        _, seen = await fails(provider, "[[tokens=9]][[stall=3]]", UpstreamCut)
    assert text_of(seen) == "w0 w1 w2 "


async def test_a_slow_answer_that_keeps_coming_outlives_the_idle_timeout(stub: StubLLM) -> None:
    async with provided(stub.base_url, idle_timeout=0.3) as provider:
        deltas = await lean(provider, "[[tokens=12]][[delay=50]]")
    assert text_of(deltas).split()[-1] == "w11"


async def test_a_whole_answer_can_be_bounded(stub: StubLLM) -> None:
    async with provided(stub.base_url, total_timeout=0.3) as provider:
        await fails(provider, "[[tokens=100]][[delay=50]]", UpstreamCut)


async def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        async with provided(url) as provider:
            failure, _ = await fails(provider, "hi", UpstreamUnreachable)
            health = await provider.health()
    assert url in str(failure)
    assert health["status"] == "Error"
    assert url in health["message"]


async def test_a_host_that_drops_packets_is_unreachable_within_the_connect_timeout() -> None:
    with contextlib.ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        started = time.monotonic()
        async with provided(url, connect_timeout=0.3) as provider:
            failure, _ = await fails(provider, "hi", UpstreamUnreachable)
    assert "0.3 s" in str(failure)
    assert time.monotonic() - started < 3


@pytest.fixture
async def tls(tmp_path: Path) -> AsyncGenerator[TlsEndpoint]:
    async with tls_endpoint(tmp_path) as endpoint:
        yield endpoint


async def test_a_certificate_of_an_unknown_authority_is_refused(tls: TlsEndpoint) -> None:
    async with provided(tls.base_url) as provider:
        failure, _ = await fails(provider, "hi", UpstreamUnreachable)
        health = await provider.health()
    assert "TLS" in str(failure)
    assert health["status"] == "Error"


async def test_a_named_authority_is_trusted(tls: TlsEndpoint) -> None:
    async with provided(tls.base_url, tls_ca_file=tls.ca_file) as provider:
        assert text_of(await lean(provider, "hi")) == "safe"


async def test_an_endpoint_that_does_not_speak_http_is_garbage() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with provided(url) as provider:
            await fails(provider, "hi", UpstreamGarbage)


async def test_the_check_of_certificates_can_be_switched_off(tls: TlsEndpoint) -> None:
    async with provided(tls.base_url, tls_verify=False) as provider:
        assert text_of(await lean(provider, "hi")) == "safe"


async def test_a_proxy_of_the_environment_is_used(
    stub: StubLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stub.origin)
    async with provided("http://model.invalid/v1") as provider:
        failure, _ = await fails(provider, "hi", UpstreamRejected)
    assert "http://model.invalid/v1/chat/completions" in str(failure)


async def test_thirty_two_streams_at_once_do_not_mix_and_share_connections(
    provider: OpenAICompatible, stub: StubLLM
) -> None:
    async def ask(name: str) -> str:
        return text_of(await lean(provider, f"question {name} [[delay=1]]"))

    for batch in range(3):
        names = [f"{batch}-{n}" for n in range(32)]
        answers = await asyncio.gather(*(ask(name) for name in names))
        assert answers == [f"You asked: question {name}" for name in names]
    assert stub.stats()["connections"] <= 32
    assert stub.stats()["streams"] == 96


async def test_one_after_the_other_shares_one_connection(
    provider: OpenAICompatible, stub: StubLLM
) -> None:
    for n in range(10):
        await lean(provider, f"question {n}")
        await fails(provider, "[[status=400]]", UpstreamRejected)
        await provider.openai_chat_completion(params("whole"))
    assert stub.stats()["connections"] == 1


async def test_closing_the_iterator_ends_the_request_upstream(
    provider: OpenAICompatible, stub: StubLLM
) -> None:
    async with aclosing(provider.lean_chat(asking("[[tokens=1000]][[delay=10]]"))) as deltas:
        async for delta in deltas:
            if delta.tokens:
                break
    assert await asyncio.to_thread(stub.wait_for, "disconnects", 1) == 1


async def test_a_refused_parameter_is_left_out_and_remembered(
    provider: OpenAICompatible, stub: StubLLM
) -> None:
    for _ in range(2):
        deltas = await lean(provider, "[[reject=stream_options]]hi")
        assert text_of(deltas) == "You asked: hi"
    offered = ["stream_options" in request["body"] for request in stub.requests()]
    assert offered == [True, False, False]
