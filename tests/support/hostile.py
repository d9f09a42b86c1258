"""Requests with hostile text in each place of each operation, made from the API's description."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from lightspeed_core.config.place import is_list, is_mapping
from tests.support.operations import REQUESTS

METACHARACTERS: Final = (
    "x'; DROP TABLE turns; --",
    "' OR '1'='1",
    '" UNION SELECT NULL, version() --',
    "%",
    "_",
    "100%_\\' %(id)s :id ? $1 {x} \\x00 é🙂",
)
"""What means something to SQL, LIKE, formats of parameters and escapes."""

PATHS: Final = (
    "../../../../../escaped",
    "..",
    "..\\..\\..\\escaped",
    "/etc/passwd",
    "//host/share/escaped",
    "\\\\host\\share\\escaped",
    "%2e%2e%2fescaped",
    "~root/escaped",
    "file:///etc/passwd",
    "a\0b",
    "NUL.txt",
    "x" * 5000,
)
"""What means something to a file system."""


@dataclass(frozen=True)
class Hostile:
    """A request with one hostile text in it; `place` says where, as `body query` or `user`."""

    operation: str
    place: str
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict[str, str])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Any = None


def hostile_requests(
    document: Mapping[str, Any], ids: Mapping[str, str], text: str
) -> Iterator[Hostile]:
    """Yield a request for each place that takes text, and for the user id of each operation."""
    for path, item in document["paths"].items():
        for method, described in item.items():
            operation = f"{method.upper()} {path}"
            known = json.loads(_filled(json.dumps(REQUESTS.get(operation, {})), ids))
            yield from _of_parameters(operation, described, ids, known, text)
            content = described.get("requestBody", {}).get("content", {})
            if (schema := content.get("application/json", {}).get("schema")) is None:
                continue
            for place in dict.fromkeys(_places(document, schema)):
                body = _with(known, place, text)
                name = f"body {'.'.join(place)}"
                yield Hostile(operation, name, method, _filled(path, ids), body=body)


def _of_parameters(
    operation: str,
    described: Mapping[str, Any],
    ids: Mapping[str, str],
    body: Any,
    text: str,
) -> Iterator[Hostile]:
    method, path = operation.split()
    sent = body or None
    filled = _filled(path, ids)
    yield Hostile(operation, "user", method, filled, {"user_id": text}, body=sent)
    for parameter in described.get("parameters", []):
        place, name = parameter["in"], parameter["name"]
        where = f"{place} {name}"
        if place == "path":
            hostile = path.replace(f"{{{name}}}", quote(text, safe=""))
            yield Hostile(operation, where, method, _filled(hostile, ids), body=sent)
        elif place == "query":
            yield Hostile(operation, where, method, filled, {name: text}, body=sent)
        elif text.isprintable() and text.isascii():
            yield Hostile(operation, where, method, filled, headers={name: text}, body=sent)


def _places(
    document: Mapping[str, Any], schema: Mapping[str, Any], at: Sequence[str] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield where a body takes text; `[]` stands for the first item of a list."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "string":
        yield tuple(at)
    for key in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(key, []):
            yield from _places(document, option, at)
    for name, inner in schema.get("properties", {}).items():
        yield from _places(document, inner, (*at, name))
    if is_mapping(items := schema.get("items")):
        yield from _places(document, items, (*at, "[]"))


ATTACHMENT: Final = {"attachment_type": "log", "content_type": "text/plain", "content": "x"}


def _with(body: Any, place: Sequence[str], text: str) -> Any:
    """Return a body with a text put at a place; what is missing on the way there is made."""
    if not place:
        return text
    name, rest = place[0], place[1:]
    if name == "[]":
        first = body[0] if is_list(body) and body else ATTACHMENT if rest else None
        return [_with(first, rest, text)]
    holder: dict[str, Any] = copy.deepcopy(body) if is_mapping(body) else {}
    holder[name] = _with(holder.get(name), rest, text)
    return holder


def _filled(text: str, ids: Mapping[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return text
