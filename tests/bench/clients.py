"""Two clients that call the upstream themselves: plain httpx and the openai SDK.

Started as `python -m tests.bench.clients CLIENT BASE_URL CALLERS REQUESTS SHAPE`, where the shape
is `whole` or `stream`; prints a `Batch` as JSON with the CPU of this process.
"""

import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx
import openai
import uvloop
from openai.types.chat import ChatCompletionUserMessageParam

from tests.bench.samples import Batch, batch_of

MODEL = "fake-llm"
QUESTION: ChatCompletionUserMessageParam = {"role": "user", "content": "How do I start?"}
WARM_UP = 20
TIMEOUT = 60

type Call = Callable[[], Awaitable[None]]


def httpx_call(base_url: str, *, is_stream: bool) -> Call:
    """Return a plain call; a stream is read line by line and each event parsed."""
    limits = httpx.Limits(max_connections=512, max_keepalive_connections=512)
    client = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT, limits=limits)
    body = {"model": MODEL, "messages": [QUESTION], "stream": is_stream}

    async def whole() -> None:
        answer = await client.post("/chat/completions", json=body)
        answer.raise_for_status().json()

    async def stream() -> None:
        async with client.stream("POST", "/chat/completions", json=body) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    json.loads(line[6:])

    return stream if is_stream else whole


def openai_call(base_url: str, *, is_stream: bool) -> Call:
    """Return a call of the SDK."""
    client = openai.AsyncOpenAI(api_key="none", base_url=base_url, timeout=TIMEOUT)

    async def whole() -> None:
        await client.chat.completions.create(model=MODEL, messages=[QUESTION])

    async def stream() -> None:
        chunks = await client.chat.completions.create(model=MODEL, messages=[QUESTION], stream=True)
        async for _ in chunks:
            pass

    return stream if is_stream else whole


async def measure(call: Call, callers: int, requests: int) -> Batch:
    """Call so many times with so many callers."""
    latencies: list[float] = []

    async def work(budget: Iterator[int]) -> None:
        for _ in budget:
            before = time.perf_counter()
            await call()
            latencies.append(time.perf_counter() - before)

    started, cpu = time.perf_counter(), time.process_time()
    budget = iter(range(requests))
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(work(budget))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return batch_of(wall, latencies, (), failed=0, cpu=cpu)


async def main() -> None:
    """Measure what the arguments describe, after a few calls to warm up."""
    client, base_url, callers, requests, shape = sys.argv[1:6]
    make = {"httpx": httpx_call, "openai": openai_call}[client]
    call = make(base_url, is_stream=shape == "stream")
    await measure(call, min(int(callers), WARM_UP), min(int(requests), WARM_UP))
    batch = await measure(call, int(callers), int(requests))
    print(json.dumps(dataclasses.asdict(batch)))


if __name__ == "__main__":
    uvloop.run(main())
