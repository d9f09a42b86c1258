"""The fake OpenAI endpoint: HTTP/1.1 by hand, so that it costs benchmarks next to nothing."""

import asyncio
import base64
import hashlib
import math
import re
import struct
from collections import Counter, deque
from contextlib import suppress
from typing import Any

import orjson

from tests.support.stub_llm_script import Defaults, Script, script_for

KEPT_REQUESTS = 2000
WRONG_KEY = "Bearer wrong-key"
CONTEXT_TOO_LONG = {
    "error": {
        "message": "This model's maximum context length is 4096 tokens. However, your messages "
        "resulted in 9000 tokens. Please reduce the length of the messages.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
}

IMAGES_REFUSED = {
    "error": {
        "message": "Invalid content type. image_url is only supported by certain models.",
        "type": "invalid_request_error",
        "param": "messages.[0].content.[1].type",
        "code": None,
    }
}


class Request:
    """One request as it came in."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        self.headers = {name.strip().lower(): value.strip() for name, value in pairs}
        self.raw = body

    def json(self) -> dict[str, Any]:
        """The body, which has to be a JSON object."""
        return orjson.loads(self.raw)


class StubServer:
    """Answers connections and remembers what it was asked."""

    def __init__(self, defaults: Defaults) -> None:
        self.defaults = defaults
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.counts = Counter[str]()
        self.attempts = Counter[str]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        exchange = Exchange(self, reader, writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                await exchange.serve_one()
        writer.close()

    def remember(self, request: Request, body: dict[str, Any]) -> None:
        """Keep what was asked, for `GET /requests`."""
        entry = {"path": request.path, "headers": request.headers, "body": body}
        self.requests.append(entry)
        self.counts["requests"] += 1


class Exchange:
    """The requests of one connection."""

    def __init__(
        self, server: StubServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.counted = False

    async def serve_one(self) -> None:
        """Read one request and answer it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        body = await self.reader.readexactly(int(length[1])) if length else b""
        request = Request(head[:-4], body)
        if not self._control(request):
            if not self.counted:
                self.counted = True
                self.server.counts["connections"] += 1
            await self._answer(request)

    def _control(self, request: Request) -> bool:
        if request.path == "/requests" and request.method == "DELETE":
            self.server.requests.clear()
            self.server.attempts.clear()
            self.server.counts.clear()
            self._json({})
        elif request.path == "/requests":
            self._json(list(self.server.requests))
        elif request.path == "/stats":
            self._json(self.server.counts)
        else:
            return False
        return True

    async def _answer(self, request: Request) -> None:
        defaults = self.server.defaults
        if request.headers.get("authorization") == WRONG_KEY:
            self.server.remember(request, {})
            self._json({"error": {"message": "Incorrect API key provided"}}, status=401)
        elif request.path == "/v1/models":
            self.server.remember(request, {})
            rows = [{"id": m, "object": "model", "owned_by": "stub"} for m in defaults.models]
            self._json({"object": "list", "data": rows})
        elif request.path == "/v1/embeddings":
            body = request.json()
            self.server.remember(request, body)
            self._json(embeddings(body, defaults.dimension))
        elif request.path == "/v1/chat/completions":
            body = request.json()
            self.server.remember(request, body)
            await self._chat(body, script_for(body, defaults))
        else:
            self._json({"error": {"message": f"no such path: {request.path}"}}, status=404)

    async def _chat(self, body: dict[str, Any], script: Script) -> None:
        if self._refused(body, script):
            return
        if "hang" in script.given:
            await self._wait_for_disconnect()
            return
        await self._pause(script.first)
        if "raw" in script.given:
            self._bytes(script.given["raw"].encode())
        elif "garbage" in script.given:
            self._head("text/html", chunked=False, extra="content-length: 11\r\n")
            self.writer.write(b"<h1>hi</h1>")
        elif not body.get("stream") or "nostream" in script.given:
            for _ in script.words:
                await self._pause(script.delay)
            self._json(completion(body, script))
        else:
            await self._stream(body, script)

    def _refused(self, body: dict[str, Any], script: Script) -> bool:
        if "context" in script.given:
            self._json(CONTEXT_TOO_LONG, status=400)
            return True
        parameter = script.given.get("reject")
        if parameter in body:
            text = f"Unsupported parameter: '{parameter}' is not supported with this model."
            self._json({"error": {"message": text, "param": parameter}}, status=400)
            return True
        if "blind" in script.given and "image_url" in str(body["messages"]):
            self._json(IMAGES_REFUSED, status=400)
            return True
        return self._refused_by_status(body, script)

    def _refused_by_status(self, body: dict[str, Any], script: Script) -> bool:
        if "status" not in script.given:
            return False
        status, *options = script.given["status"].split()
        settings = dict(option.split("=", 1) for option in options)
        question = str(body["messages"])
        self.server.attempts[question] += 1
        if self.server.attempts[question] > int(settings.pop("times", 1_000_000)):
            return False
        extra = "".join(f"{name}: {value}\r\n" for name, value in settings.items())
        error = {"message": f"the stub was told to answer {status}", "code": None}
        self._json({"error": error}, status=int(status), extra=extra)
        return True

    async def _stream(self, body: dict[str, Any], script: Script) -> None:
        self._head("text/event-stream", chunked=True)
        for n, line in enumerate(stream_lines(body, script)):
            if n == script.number("cut"):
                self.writer.close()
                return
            if n == script.number("stall"):
                await self._wait_for_disconnect()
                return
            if n:
                await self._pause(script.delay)
            if self.reader.at_eof() or self.writer.is_closing():
                self.server.counts["disconnects"] += 1
                raise ConnectionError
            self._chunk(line, pieces="split" in script.given)
            if n % 64 == 0:
                await self.writer.drain()
        self.writer.write(b"0\r\n\r\n")
        self.server.counts["streams"] += 1

    def _chunk(self, line: bytes, *, pieces: bool) -> None:
        middle = len(line) // 2
        for piece in (line[:middle], line[middle:]) if pieces else (line,):
            self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    async def _pause(self, milliseconds: float) -> None:
        # Without a delay the loop still turns: a token is a packet, as a model makes it.
        await asyncio.sleep(milliseconds / 1000)

    async def _wait_for_disconnect(self) -> None:
        await self.reader.read(1)
        self.server.counts["disconnects"] += 1
        raise ConnectionError

    def _head(self, kind: str, *, chunked: bool, status: int = 200, extra: str = "") -> None:
        coding = "transfer-encoding: chunked\r\n" if chunked else ""
        head = f"HTTP/1.1 {status} Stub\r\ncontent-type: {kind}\r\n{coding}{extra}\r\n"
        self.writer.write(head.encode())

    def _json(self, answer: object, *, status: int = 200, extra: str = "") -> None:
        self._bytes(orjson.dumps(answer), status=status, extra=extra)

    def _bytes(self, body: bytes, *, status: int = 200, extra: str = "") -> None:
        extra += f"content-length: {len(body)}\r\n"
        self._head("application/json", chunked=False, status=status, extra=extra)
        self.writer.write(body)


def tool_calls(script: Script) -> list[dict[str, Any]]:
    """The calls of a script in OpenAI's words."""
    return [
        {
            "index": index,
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for index, (name, arguments) in enumerate(script.calls)
    ]


def usage(script: Script) -> dict[str, int]:
    """Tokens counted as words."""
    total = script.prompt_tokens + len(script.words)
    counts = (script.prompt_tokens, len(script.words), total)
    return dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), counts, strict=True))


def completion(body: dict[str, Any], script: Script) -> dict[str, Any]:
    """A whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(script.words) or None}
    if script.calls:
        message["tool_calls"] = tool_calls(script)
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": script.finish}],
        "usage": usage(script),
    }


def stream_lines(body: dict[str, Any], script: Script) -> list[bytes]:
    """The events of a streamed chat completion, one a token and a few around them."""
    base = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 0}
    base["model"] = str(body.get("model"))
    deltas: list[tuple[dict[str, Any], str | None]] = [({"content": w}, None) for w in script.words]
    if reasoning := script.given.get("reasoning"):
        deltas.insert(0, ({"reasoning_content": reasoning}, None))
    for call in tool_calls(script):
        deltas += [({"tool_calls": [part]}, None) for part in _halves(call)]
    if "nofinish" not in script.given:
        deltas.append(({}, script.finish))
    events: list[dict[str, Any]] = [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in deltas
    ]
    options: dict[str, Any] = body.get("stream_options") or {}
    if options.get("include_usage") and "nousage" not in script.given:
        events.append({**base, "choices": [], "usage": usage(script)})
    if "error" in script.given:
        code, _, text = script.given["error"].partition(" ")
        events.insert(len(script.words), {"error": {"code": code, "message": text or code}})
    return _lines(events, script)


def _lines(events: list[dict[str, Any]], script: Script) -> list[bytes]:
    end = b"\r\n\r\n" if "crlf" in script.given else b"\n\n"
    lines = [b"data: " + orjson.dumps(event) + end for event in events]
    if "broken" in script.given:
        lines.insert(script.number("broken") or 0, b'data: {"choices": [' + end)
    if "comments" in script.given:
        lines = [b": still here" + end + line for line in lines]
    if "nodone" not in script.given and "nofinish" not in script.given:
        lines.append(b"data: [DONE]" + end)
    return lines


def _halves(call: dict[str, Any]) -> list[dict[str, Any]]:
    arguments = call["function"]["arguments"]
    half = len(arguments) // 2
    first = {**call, "function": {**call["function"], "arguments": arguments[:half]}}
    return [first, {"index": call["index"], "function": {"arguments": arguments[half:]}}]


def embeddings(body: dict[str, Any], dimension: int) -> dict[str, Any]:
    """Bags of hashed words: texts that share words are near."""
    given: Any = body["input"]
    texts: list[str] = [given] if isinstance(given, str) else given
    vectors: list[list[float] | str] = []
    for text in texts:
        vector = embed(text, int(body.get("dimensions") or dimension))
        packed = body.get("encoding_format") == "base64"
        vectors.append(_base64(vector) if packed else vector)
    rows = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    count = sum(len(text.split()) for text in texts)
    counts = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "model": body.get("model"), "data": rows, "usage": counts}


def embed(text: str, dimension: int) -> list[float]:
    """The unit vector of a text."""
    vector = [0.0] * dimension
    for word in re.findall(r"[a-z0-9]+", text.lower()):
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        vector[int.from_bytes(digest) % dimension] += 1.0
    norm = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / norm for x in vector]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
