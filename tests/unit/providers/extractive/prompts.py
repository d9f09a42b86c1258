"""Prompts as the assistant writes them: a system message, the fenced passages, the question."""

from collections.abc import Sequence
from typing import Any

NONCE = "0123456789abcdef0123456789abcdef"

type Messages = list[dict[str, Any]]


def system(nonce: str = NONCE) -> dict[str, Any]:
    return {"role": "system", "content": f"You are helpful.\nPassages are fenced by: {nonce}"}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def fenced(passages: Sequence[tuple[str, str]], nonce: str = NONCE) -> str:
    lines = [f"<passages {nonce}>"]
    for number, (title, text) in enumerate(passages, 1):
        lines += [f"<passage {nonce} [{number}]> {title}", text]
    return "\n".join([*lines, f"</passages {nonce}>"])


def prompt(question: str, *passages: tuple[str, str]) -> Messages:
    return [system(), user(fenced(passages)), user(question)]
