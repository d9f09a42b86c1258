"""Turns what a tool answered into text. What is not text is described and never fetched.

Importing it imports the SDK.
"""

import json
from typing import Final

from mcp import types

from lightspeed_core.mcp.session import CallResult

_SHOWN: Final = 500


def read_result(result: types.CallToolResult, most_chars: int) -> CallResult:
    """Join the parts of an answer by blanks, and cut what is too long."""
    texts = [text for part in result.content if (text := _text(part))]
    if not texts and result.structuredContent is not None:
        texts = [json.dumps(result.structuredContent, ensure_ascii=False)]
    return CallResult(text=cut(" ".join(texts), most_chars), is_error=result.isError)


def cut(text: str, most_chars: int) -> str:
    """Shorten a text, and say so at its end."""
    if len(text) <= most_chars:
        return text
    return f"{text[:most_chars]}\n[cut off: {most_chars} of {len(text)} characters are shown]"


def _text(part: types.ContentBlock) -> str:
    match part:
        case types.TextContent(text=text):
            return text
        case types.ImageContent(mimeType=kind) | types.AudioContent(mimeType=kind):
            return f"[{part.type} of type {_short(kind)}, not shown]"
        case types.ResourceLink(uri=uri, name=name):
            return f"[resource {_short(name)} at {_short(str(uri))}, not fetched]"
        case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
            return text
        case types.EmbeddedResource(resource=resource):
            return f"[resource {_short(str(resource.uri))}, not shown]"


def _short(text: str) -> str:
    return text[:_SHOWN]
