"""What the fake model answers: directives in the last user message, else an echo of it.

It knows nothing of sockets; the table of directives is in `tests/support/stub_llm.py`.
"""

import re
from dataclasses import dataclass, field
from typing import Any, cast

DIRECTIVE = re.compile(r"\[\[(.*?)\]\](?!\])", re.DOTALL)
WORD = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Defaults:
    """What holds where no directive says otherwise; delays in milliseconds."""

    first: float = 0
    delay: float = 0
    tokens: int = 0
    dimension: int = 64
    models: tuple[str, ...] = ("fake-llm", "fake-guard", "text-embedding-fake")


@dataclass
class Script:
    """How one chat completion is to be answered."""

    first: float
    delay: float
    words: list[str]
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    finish: str = "stop"
    prompt_tokens: int = 0
    given: dict[str, str] = field(default_factory=dict[str, str])

    def number(self, name: str) -> int | None:
        """The number of a directive, or None without it."""
        return int(self.given[name].split()[0]) if name in self.given else None


def text_of(content: object) -> str:
    """The text of a message's content, be it a string or a list of parts."""
    if isinstance(content, list):
        parts = cast("list[dict[str, Any]]", content)
        return " ".join(str(part.get("text", "")) for part in parts)
    return content if isinstance(content, str) else ""


def read_directives(text: str) -> tuple[dict[str, str], list[tuple[str, str]], str]:
    """Directives by name, tool calls (name, arguments), and the text without either."""
    given: dict[str, str] = {}
    calls: list[tuple[str, str]] = []
    for inner in DIRECTIVE.findall(text):
        name, _, value = inner.partition("=")
        if name == "tool":
            tool, _, arguments = value.partition(" ")
            calls.append((tool, arguments.strip() or "{}"))
        else:
            given[name.strip()] = value
    return given, calls, DIRECTIVE.sub("", text).strip()


def script_for(body: dict[str, Any], defaults: Defaults) -> Script:
    """Decide the answer to a chat completion request."""
    messages: list[dict[str, Any]] = body.get("messages") or []
    users = [text_of(m.get("content")) for m in messages if m.get("role") == "user"]
    given, calls, question = read_directives(users[-1] if users else "")
    results = _results_after_question(messages)
    if results or not body.get("tools"):
        calls = []
    script = Script(
        first=float(given.get("first", defaults.first)),
        delay=float(given.get("delay", defaults.delay)),
        words=[],
        calls=calls,
        finish=given.get("finish", "tool_calls" if calls else "stop"),
        prompt_tokens=sum(len(text_of(m.get("content")).split()) for m in messages),
        given=given,
    )
    if not calls or "say" in given:
        script.words = _words(body, script, question, results, defaults)
    return script


def _words(
    body: dict[str, Any], script: Script, question: str, results: list[str], defaults: Defaults
) -> list[str]:
    if "say" in script.given:
        return WORD.findall(script.given["say"])
    if "guard" in str(body.get("model")):
        return WORD.findall("unsafe\nS1" if "bomb" in question.lower() else "safe")
    if count := script.number("tokens") or defaults.tokens:
        return [f"w{i} " for i in range(count)]
    if results:
        return WORD.findall("Tool said: " + " | ".join(results))
    return WORD.findall(f"You asked: {question}")


def _results_after_question(messages: list[dict[str, Any]]) -> list[str]:
    results: list[str] = []
    for message in reversed(messages):
        if message.get("role") == "user":
            break
        if message.get("role") == "tool":
            results.insert(0, text_of(message.get("content")))
    return results
