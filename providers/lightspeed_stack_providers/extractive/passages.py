"""The prompt's fence: which passages were given, and what was asked.

A message counts as passages only under the nonce that the system message announces, so nothing
that a user or a document says can pass as a passage. The format is in docs/providers/extractive.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

_ANNOUNCEMENT: Final = re.compile(r"Passages are fenced by: ([0-9a-fA-F]{32})")
_HEADER: Final = re.compile(r"<passage ([0-9a-fA-F]{32}) \[([1-9][0-9]{0,5})\]>(?: (.*))?")
_URL_AT_END: Final = re.compile(r"(?:^| )\([a-zA-Z][a-zA-Z0-9+.-]*:\S*\)$")


@dataclass(frozen=True, slots=True)
class Passage:
    """A numbered piece of a document; `title` without the address that may follow it."""

    number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was asked, and from what; `question` is empty when no user message asks anything."""

    question: str
    passages: tuple[Passage, ...]


def read_prompt(messages: Sequence[Mapping[str, Any]]) -> Prompt:
    """Take a conversation in OpenAI's form apart.

    The question is the last user message that is no passages message; the passages are the first
    well-formed ones before it. A fence that is broken in any way is no fence.
    """
    nonce = _announced_nonce(messages)
    question = ""
    passages: tuple[Passage, ...] | None = None
    pending: tuple[Passage, ...] | None = None
    for message in messages:
        if message.get("role") != "user":
            continue
        text = plain_text(message.get("content"))
        fenced = parse_passages(text, nonce) if nonce else None
        if fenced is None:
            question, passages = text, pending
        elif pending is None:
            pending = fenced
    return Prompt(question.strip(), passages or ())


def plain_text(content: object) -> str:
    """Join the text parts of a message's content."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [cast("Mapping[str, Any]", p) for p in cast("list[object]", content) if _is_part(p)]
    return "\n".join(str(part.get("text") or "") for part in parts)


def _is_part(part: object) -> bool:
    return isinstance(part, Mapping) and cast("Mapping[str, Any]", part).get("type") == "text"


def _announced_nonce(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Read the first system message alone: later ones may summarize what users said."""
    for message in messages:
        if message.get("role") == "system":
            last_line = plain_text(message.get("content")).rstrip().rpartition("\n")[2]
            announcement = _ANNOUNCEMENT.fullmatch(last_line.strip())
            return announcement.group(1) if announcement else None
    return None


def parse_passages(text: str, nonce: str) -> tuple[Passage, ...] | None:
    """Parse a passages message; None for any other text. A number that comes twice counts once."""
    # Not splitlines(): it would also break lines at characters that documents contain.
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) < 2 or lines[0] != f"<passages {nonce}>" or lines[-1] != f"</passages {nonce}>":
        return None
    if f"</passages {nonce}>" in lines[:-1] or f"<passages {nonce}>" in lines[1:]:
        return None
    passages: dict[int, Passage] = {}
    for header, body in _sections(lines[1:-1], nonce):
        number = int(header.group(2))
        title = _URL_AT_END.sub("", header.group(3) or "").strip()
        passages.setdefault(number, Passage(number, title, "\n".join(body)))
    return tuple(passages.values())


def _sections(lines: Sequence[str], nonce: str) -> list[tuple[re.Match[str], list[str]]]:
    sections: list[tuple[re.Match[str], list[str]]] = []
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header and header.group(1) == nonce:
            sections.append((header, []))
        elif sections:
            sections[-1][1].append(line)
    return sections
