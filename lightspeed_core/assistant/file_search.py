"""Search of the vector stores as a tool: the model asks, and passages come with their numbers.

Knows the engine port and the stores that were chosen for the turn, and no MCP server.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.retrieval import Retrieved, best_chunks, retrieve
from lightspeed_core.assistant.sources import Source, SourceSettings
from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.toolbox import EmptyToolbox, Toolbox, ToolOutput, unknown_tool
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import LightspeedError

FILE_SEARCH: Final = "file_search"
MAX_QUERIES: Final = 5
"""Queries of one call; those beyond are left out."""

QUERIES_DESCRIPTION: Final = (
    "What to search for: one to five short questions or lists of words, each searched by itself."
)

logger = logging.getLogger(__name__)


class FileSearch:
    """Offers the search to turns that have stores for it."""

    def __init__(self, engine: Engine, settings: SourceSettings) -> None:
        self._engine = engine
        self._settings = settings

    async def open(self, context: TurnContext) -> Toolbox:
        """Return the tool of a turn; none where it has no store or its model calls no tools."""
        if not context.tool_stores:
            return EmptyToolbox()
        return _SearchBox(self._engine, self._settings, context)


def describe_search(stores: Iterable[Source]) -> str:
    """Return the description of the tool over the stores."""
    names = ", ".join(store.name for store in stores)
    return (
        f"Search the documents of {names} for passages that bear on the question. Results are "
        "numbered passages to be cited by their number."
    )


class _SearchBox:
    def __init__(self, engine: Engine, settings: SourceSettings, context: TurnContext) -> None:
        self._engine = engine
        self._settings = settings
        self._stores = context.tool_stores
        self._passages = context.passages
        # Calls at one time are answered in their order, which is that of their numbers.
        self._in_order = asyncio.Lock()

    def specs(self) -> tuple[ToolSpec, ...]:
        queries = {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MAX_QUERIES,
            "description": QUERIES_DESCRIPTION,
        }
        return (
            ToolSpec(
                name=FILE_SEARCH,
                description=describe_search(self._stores),
                parameters={
                    "type": "object",
                    "properties": {"queries": queries},
                    "required": ["queries"],
                },
                type="file_search_call",
            ),
        )

    def warnings(self) -> tuple[TurnWarning, ...]:
        return ()

    async def call(self, call: ToolCall) -> ToolOutput:
        if call.name != FILE_SEARCH:
            return unknown_tool(call)
        queries = _queries(call.arguments)
        if not queries:
            return ToolOutput(
                content='Nothing was searched: give {"queries": ["what to search for"]}.',
                status="failed",
            )
        async with self._in_order:
            try:
                found = await self._search(queries)
            except LightspeedError as error:
                logger.warning("file search failed code=%s: %s", error.code, error)
                return ToolOutput(content="The documents cannot be searched now.", status="failed")
            return self._output(found)

    async def aclose(self) -> None:
        """Hold nothing."""

    async def _search(self, queries: Sequence[str]) -> Retrieved:
        settings = self._settings
        found = await together(
            retrieve(
                self._engine,
                query,
                self._stores,
                max_chunks=settings.tool_chunks,
                byok_chunks=settings.byok_chunks,
            )
            for query in queries
        )
        chunks = (chunk for each in found for chunk in each.chunks)
        warnings = (warning for each in found for warning in each.warnings)
        return Retrieved(
            chunks=best_chunks(chunks, settings.tool_chunks),
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _output(self, found: Retrieved) -> ToolOutput:
        known = len(self._passages)
        numbers = self._passages.add(found.chunks)
        results = [
            _shown(number, chunk) for number, chunk in zip(numbers, found.chunks, strict=True)
        ]
        return ToolOutput(
            content=self._passages.fenced(numbers) if numbers else "No passage was found.",
            shown=json.dumps({"results": results}, ensure_ascii=False),
            status="completed",
            chunks=tuple(self._passages[known:]),
            passages=tuple(numbers),
            warnings=found.warnings,
        )


def _queries(arguments: Mapping[str, Any]) -> list[str]:
    """Read what to search for; models write one query where they should write a list."""
    wanted: object = arguments.get("queries", arguments.get("query"))
    listed = cast("list[object]", wanted) if isinstance(wanted, list) else [wanted]
    queries = [query.strip() for query in listed if isinstance(query, str) and query.strip()]
    return list(dict.fromkeys(queries))[:MAX_QUERIES]


def _shown(number: int, chunk: RagChunk) -> dict[str, Any]:
    """Describe a result to clients; its text stands in `rag_chunks`, and in no history."""
    return {
        "marker": f"[{number}]",
        "document_id": chunk.document_id,
        "title": chunk.title,
        "url": chunk.url,
        "source": chunk.source or chunk.store_id,
        "score": chunk.score,
    }
