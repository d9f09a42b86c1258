"""What a search asks for, read from the stack's two kinds of request."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from llama_stack_api import (
    InvalidParameterError,
    OpenAISearchVectorStoreRequest,
    QueryChunksRequest,
)

from lightspeed_stack_providers.vector_stores.chunks import text_of
from lightspeed_stack_providers.vector_stores.filters import Filters
from lightspeed_stack_providers.vector_stores.records import Store

type Mode = Literal["vector", "keyword", "hybrid"]

_DEFAULT_LIMIT: Final = 10
_FUSION_DEPTH: Final = 50
_RANKERS_OF_OTHERS: Final = frozenset({"weighted", "neural"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What to look for. Without a vector nothing is found by vector.

    `store_key` is that of the store for whose model the question was embedded.
    """

    store_id: str
    text: str = field(repr=False)
    mode: Mode
    limit: int = _DEFAULT_LIMIT
    vector: Sequence[float] | None = field(default=None, repr=False)
    filters: Filters | None = None
    score_threshold: float = 0.0
    with_embeddings: bool = False
    store_key: int = 0

    @property
    def depth(self) -> int:
        """How many to take of each ranking."""
        return self.limit if self.mode != "hybrid" else max(_FUSION_DEPTH, 2 * self.limit)

    def require_dimension(self, store: Store) -> None:
        """Raise `InvalidParameterError` when the vector does not fit those of the store."""
        if self.vector is not None and len(self.vector) != store.embedding_dimension:
            raise InvalidParameterError(
                "embedding",
                f"a vector of {len(self.vector)} numbers",
                f"Vector store '{store.store_id}' has dimension {store.embedding_dimension}; "
                f"embed the query with '{store.embedding_model}'.",
            )


def read_query(request: QueryChunksRequest) -> SearchQuery:
    """Read a query for chunks. Raises `InvalidParameterError`.

    Its `params` may hold `mode` (hybrid by default), `max_chunks`, `score_threshold` and `filters`,
    as everywhere in the stack; besides, `embedding` (the question's vector, where the caller has
    it) and `include_embeddings` (chunks come back without their vectors otherwise).
    """
    params: Mapping[str, Any] = request.params or {}
    return SearchQuery(
        store_id=request.vector_store_id,
        text=text_of(request.query, parameter="query"),
        mode=_mode(params.get("mode") or "hybrid", "mode"),
        limit=_limit(params.get("max_chunks"), "max_chunks"),
        vector=_vector(params.get("embedding")),
        filters=params.get("filters"),
        score_threshold=_threshold(params.get("score_threshold")),
        with_embeddings=bool(params.get("include_embeddings")),
    )


def read_search(vector_store_id: str, request: OpenAISearchVectorStoreRequest) -> SearchQuery:
    """Read a search of OpenAI's API. Raises `InvalidParameterError`."""
    options = request.ranking_options
    if options is not None and options.ranker in _RANKERS_OF_OTHERS:
        raise InvalidParameterError(
            "ranking_options.ranker", options.ranker, "Rankings are fused by 'rrf' alone."
        )
    queries = [request.query] if isinstance(request.query, str) else request.query
    return SearchQuery(
        store_id=vector_store_id,
        text=" ".join(queries),
        mode=_mode(request.search_mode or "vector", "search_mode"),
        limit=_limit(request.max_num_results, "max_num_results"),
        filters=request.filters,
        score_threshold=_threshold(options.score_threshold if options else None),
    )


def _mode(value: Any, parameter: str) -> Mode:
    if value not in {"vector", "keyword", "hybrid"}:
        raise InvalidParameterError(parameter, value, "Use vector, keyword or hybrid.")
    return cast("Mode", value)


def _limit(value: Any, parameter: str) -> int:
    if value is None:
        return _DEFAULT_LIMIT
    if not isinstance(value, int) or value < 1:
        raise InvalidParameterError(parameter, value, "It must be a whole number from 1.")
    return value


def _threshold(value: Any) -> float:
    if value is None:
        return 0.0
    if not isinstance(value, int | float):
        raise InvalidParameterError("score_threshold", value, "It must be a number.")
    return float(value)


def _vector(value: Any) -> Sequence[float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, int | float) for each in value):  # pyright: ignore[reportUnknownVariableType] - being checked
        raise InvalidParameterError("embedding", type(value).__name__, "It is a list of numbers.")
    vector = cast("list[float]", value)
    if not all(math.isfinite(number) for number in vector):
        raise InvalidParameterError("embedding", "a vector", "All of its numbers must be finite.")
    return vector
