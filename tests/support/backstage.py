"""The Lightspeed plug-in of Backstage as a client, re-written from the description of its needs.

It shares no line with the other reader of streams: what this one does not understand, the plug-in
would not show.
"""

import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2


def read_events(pieces: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield events as text arrives: blank lines part blocks, `data:` lines are JSON."""
    rest = ""
    for piece in pieces:
        *blocks, rest = (rest + piece).split("\n\n")
        for block in blocks:
            yield from _data_of(block)
    yield from _data_of(rest)


def _data_of(block: str) -> Iterator[dict[str, Any]]:
    for line in block.split("\n"):
        if line.startswith("data:"):
            yield json.loads(line[len("data:") :])


@dataclass
class ShownCall:
    """A call of a tool as the page shows it."""

    id: str | None
    name: str
    arguments: dict[str, Any]
    response: str | None = None


@dataclass
class ShownAnswer:
    """What the page has of an answer; `speaks` is the generation of tool events that it reads."""

    speaks: str = "new"
    conversation_id: str | None = None
    request_id: str | None = None
    text: str = ""
    complete: str | None = None
    calls: list[ShownCall] = field(default_factory=list[ShownCall])
    references: list[tuple[str | None, str | None]] = field(
        default_factory=list[tuple[str | None, str | None]]
    )
    error: dict[str, Any] | None = None
    last: str = ""

    def take(self, event: dict[str, Any]) -> None:
        """Show one more event."""
        data = event["data"]
        if self.conversation_id is None and event["event"] != "start":
            raise AssertionError(f"{event['event']} came before start")
        self.last = event["event"]
        match event["event"]:
            case "start":
                self.conversation_id = data["conversation_id"]
                self.request_id = data.get("request_id")
            case "token":
                self.text += data["token"]
            case "turn_complete":
                self.complete = data["token"]
            case "tool_call":
                self.calls.append(self._call(data))
            case "tool_result":
                self._result(data)
            case "end":
                documents = data.get("referenced_documents", [])
                self.references = [(each["doc_title"], each["doc_url"]) for each in documents]
            case "interrupted":
                self.conversation_id = data["conversation_id"]
            case "error":
                self.error = data
            case _:
                pass  # a newer service may say more

    def _call(self, data: dict[str, Any]) -> ShownCall:
        if self.speaks == "old":
            token = data["token"]
            return ShownCall(id=None, name=token["tool_name"], arguments=token["arguments"])
        return ShownCall(id=data["id"], name=data["name"], arguments=data["args"])

    def _result(self, data: dict[str, Any]) -> None:
        if self.speaks == "old":
            token = data["token"]
            name, response = token["tool_name"], token["response"]
            call = next(each for each in self.calls if each.name == name and each.response is None)
        else:
            response = data["content"]
            call = next(each for each in self.calls if each.id == data["id"])
        call.response = response


def shown(pieces: Iterable[str], *, speaks: str = "new") -> ShownAnswer:
    """Read a whole stream."""
    answer = ShownAnswer(speaks=speaks)
    for event in read_events(pieces):
        answer.take(event)
    return answer


@dataclass
class Backstage:
    """The plug-in on behalf of one user, whose id is in the address of every call."""

    http: httpx2.Client
    user: str
    mcp_headers: str | None = None

    def get(self, path: str) -> httpx2.Response:
        """Ask for a list."""
        return self.http.get(self._address(path))

    def post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        """Send something."""
        return self.http.post(self._address(path), json=body)

    def put(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        """Change something."""
        return self.http.put(self._address(path), json=body)

    def delete(self, path: str) -> httpx2.Response:
        """Delete something."""
        return self.http.delete(self._address(path))

    def ask(self, query: str, **more: Any) -> ShownAnswer:
        """Ask, and read the answer to its end."""
        answer = ShownAnswer()
        for event in self.events(query, **more):
            answer.take(event)
        return answer

    def events(self, query: str, **more: Any) -> Generator[dict[str, Any]]:
        """Ask, and yield the events; who stops reading aborts the request."""
        headers = {} if self.mcp_headers is None else {"MCP-HEADERS": self.mcp_headers}
        body = {"query": query, "media_type": "application/json"} | more
        address = self._address("/v1/streaming_query")
        with self.http.stream("POST", address, json=body, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            yield from read_events(answer.iter_text())

    def _address(self, path: str) -> str:
        return f"{path}?user_id={self.user}"
