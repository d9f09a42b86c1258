"""The load: a process of its own that sends bodies again and again over kept connections.

Started as `python -m tests.bench.load URL CALLERS REQUESTS MARK`, the bodies on stdin, one a line
and sent in turn; without any, it is GET. What stands behind a tab is sent as a bearer token, and
behind another one as the query. Prints a `Batch` as JSON. It reads HTTP by hand, so that it takes
little from the process that is measured.
"""

import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from urllib.parse import urlsplit

import uvloop

from tests.bench.samples import batch_of

LAST_CHUNK = b"\r\n0\r\n\r\n"


class Load:
    """The requests of all callers; `mark` is what the first token's event holds."""

    def __init__(self, url: str, bodies: Sequence[bytes], mark: bytes) -> None:
        self._url = urlsplit(url)
        self._mark = mark
        self._requests = cycle([self._request(body) for body in bodies] or [self._request(None)])
        self.latencies: list[float] = []
        self.firsts: list[float] = []
        self.failed = 0

    def _request(self, line: bytes | None) -> bytes:
        body, token, query = [*(line or b"").split(b"\t"), b"", b""][:3]
        method = "POST" if body else "GET"
        target = f"{self._url.path}?{query.decode() or self._url.query}"
        head = f"{method} {target} HTTP/1.1\r\nhost: {self._url.netloc}\r\n"
        if token:
            head += f"authorization: Bearer {token.decode()}\r\n"
        if not body:
            return f"{head}\r\n".encode()
        entity = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        return f"{head}{entity}".encode() + body

    async def call(self, budget: Iterator[int]) -> None:
        """Send requests over one connection while the budget lasts."""
        host, port = self._url.hostname, self._url.port
        reader, writer = await asyncio.open_connection(host, port, limit=2**20)
        for _ in budget:
            started = time.perf_counter()
            writer.write(next(self._requests))
            head = await reader.readuntil(b"\r\n\r\n")
            if head[9:12] != b"200":
                self.failed += 1
            await self._read_body(reader, head.lower(), started)
            self.latencies.append(time.perf_counter() - started)
        writer.close()

    async def _read_body(self, reader: asyncio.StreamReader, head: bytes, started: float) -> None:
        _, _, length = head.partition(b"content-length:")
        if length:
            await reader.readexactly(int(length.partition(b"\r\n")[0]))
            return
        tail = b"\r\n"
        is_first = True
        while not tail.endswith(LAST_CHUNK):
            data = await reader.read(65536)
            if not data:
                self.failed += 1
                return
            if is_first and self._mark in data:
                is_first = False
                self.firsts.append(time.perf_counter() - started)
            tail = (tail + data)[-len(LAST_CHUNK) :]


async def main() -> None:
    """Run the load that the arguments describe."""
    url, callers, requests, mark = sys.argv[1:5]
    load = Load(url, sys.stdin.buffer.read().splitlines(), mark.encode())
    budget = iter(range(int(requests)))
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(int(callers)):
            group.create_task(load.call(budget))
    wall = time.perf_counter() - started
    batch = batch_of(wall, load.latencies, load.firsts, failed=load.failed)
    print(json.dumps(dataclasses.asdict(batch)))


if __name__ == "__main__":
    uvloop.run(main())
