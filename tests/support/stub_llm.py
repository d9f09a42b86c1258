"""A fake OpenAI endpoint in its own process, for tests and benchmarks.

`with stub_llm() as stub:` starts it; `python -m tests.support.stub_llm --port 0` runs it by hand
and prints its port. It serves `/v1/models`, `/v1/chat/completions`, `/v1/embeddings`; `GET
/requests` tells what it was asked, `DELETE /requests` forgets that, `GET /stats` counts
connections, requests, finished streams and disconnects.

The API key `wrong-key` is refused. By default it answers `You asked: <question>`, a word a token.
A model named `*guard*` answers `safe`, or `unsafe\\nS1` about bombs. Directives in the last user
message change that:

    [[say=exact text]]               the answer
    [[tokens=50]]                    50 tokens: `w0 w1 ...`
    [[first=200]] [[delay=20]]       milliseconds before the first and between tokens
    [[tool=name {"a": 1}]]           a tool call, where tools are offered and none was called yet
                                     for this question; several make parallel calls. Afterwards
                                     it answers `Tool said: <results>`
    [[status=429 retry-after=3]]     an error status with headers; `times=2`: only twice per request
    [[context]]                      400 context_length_exceeded
    [[reject=stream_options]]        400 when the body has that key
    [[blind]]                        400 when the messages hold an image
    [[cut=5]] [[stall=5]]            closes the socket, or falls silent, after 5 events
    [[error=code some text]]         an error event inside the stream, after the tokens
    [[garbage]] [[broken=2]]         an HTML page; a broken JSON event after 2 events
    [[raw=text]]                     this text as a JSON body
    [[hang]]                         never answers
    [[finish=length]]                another finish_reason
    [[nofinish]] [[nodone]] [[nousage]] [[nostream]]   parts left out
    [[crlf]] [[split]] [[comments]] [[reasoning=text]] other shapes of the same stream
"""

import argparse
import asyncio
import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from tests.support.stub_llm_script import Defaults
from tests.support.stub_llm_server import StubServer

START_SECONDS = 60
CONTROL_SECONDS = 10
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class StubLLM:
    """A running fake endpoint, as the test sees it."""

    port: int
    pid: int

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return f"{self.origin}/v1"

    def requests(self, path: str = "/v1/chat/completions") -> list[dict[str, Any]]:
        """What was asked at a path, oldest first: `path`, `headers`, `body`."""
        return [entry for entry in self._control("/requests") if entry["path"] == path]

    def stats(self) -> dict[str, int]:
        """Counts since the last clear; a missing name means zero."""
        return self._control("/stats")

    def wait_for(self, count: str, at_least: int, seconds: float = 5) -> int:
        """Wait until a count of `stats` is reached; returns what it then was."""
        until = time.monotonic() + seconds
        while (seen := self.stats().get(count, 0)) < at_least and time.monotonic() < until:
            select.select([], [], [], 0.01)
        return seen

    def clear(self) -> None:
        """Forget what was asked."""
        self._control("/requests", method="DELETE")

    def _control(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(self.origin + path, method=method)
        with urllib.request.urlopen(request, timeout=CONTROL_SECONDS) as answer:
            return json.loads(answer.read())


@contextmanager
def stub_llm(*options: str) -> Generator[StubLLM]:
    """Start the endpoint with command line options (`"--delay", "20"`); ends it by its pid."""
    command = [sys.executable, "-m", "tests.support.stub_llm", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            yield StubLLM(_announced_port(process), process.pid)
        finally:
            process.kill()


def _announced_port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else b""
    if not line:
        raise RuntimeError("the fake endpoint did not start")
    return int(line)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A fake OpenAI endpoint.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--first", type=float, default=0, help="ms before the first token")
    parser.add_argument("--delay", type=float, default=0, help="ms between tokens")
    parser.add_argument("--tokens", type=int, default=0, help="tokens of each answer; 0 echoes")
    parser.add_argument("--dimension", type=int, default=64, help="of embeddings")
    parser.add_argument("--models", default=",".join(Defaults.models), help="comma-separated")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    defaults = Defaults(
        first=arguments.first,
        delay=arguments.delay,
        tokens=arguments.tokens,
        dimension=arguments.dimension,
        models=tuple(arguments.models.split(",")),
    )
    stub = StubServer(defaults)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", arguments.port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    orphaned = asyncio.Event()
    _watch_parent(orphaned, os.getppid())
    await orphaned.wait()
    server.close()


def _watch_parent(orphaned: asyncio.Event, parent: int) -> None:
    # A test run that was killed must not leave endpoints behind.
    if os.getppid() != parent:
        orphaned.set()
    asyncio.get_running_loop().call_later(1, _watch_parent, orphaned, parent)


if __name__ == "__main__":
    uvloop.run(_serve(_arguments()))
