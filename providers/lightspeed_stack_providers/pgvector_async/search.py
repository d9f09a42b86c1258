"""One search as one statement of SQL: two rankings, their fusion and the chunks.

Words are ranked by BM25's formula. How many chunks hold a word is counted by the index; the
rarest words choose the candidates and all words rank them, so that a word that stands everywhere
costs little. Vectors are unit vectors, ranked by their inner product.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lightspeed_stack_providers.pgvector_async.filters import to_sql
from lightspeed_stack_providers.vector_stores.query import SearchQuery
from lightspeed_stack_providers.vector_stores.ranking import BM25_PIVOT, RRF_K

LONGEST_QUESTION: Final = 20_000
# As long as so few can be the answer, all of them are compared.
EXACT_BELOW: Final = 5_000
_CANDIDATES: Final = 20_000

# The words of a question, $2, by each of the analyses, $1, that a store's words were taken in by;
# of a question that is a document, the beginning.
WORDS: Final = """
SELECT lexeme FROM (
    SELECT lexeme, min(positions[1]) AS place
    FROM unnest($1::text[]) AS analysis, unnest(to_tsvector(analysis::regconfig, $2))
    GROUP BY lexeme ORDER BY place, lexeme LIMIT 128
) AS first
"""
PASSING: Final = "SELECT count(*) FROM (SELECT FROM {table} WHERE {among} LIMIT 5001) AS few"
_BY_VECTOR: Final = """
nearest AS (
    SELECT chunk_key, -(embedding <#> {vector}) AS score FROM {table}
    WHERE embedding IS NOT NULL AND {among}
    ORDER BY embedding <#> {vector} LIMIT {depth}
),
by_vector AS (
    SELECT chunk_key, score, row_number() OVER (ORDER BY score DESC, chunk_key) AS place
    FROM nearest
)"""
# k1 = 1.2 and b = 0.75; a word above the text counts twice as much as one in it.
_BY_WORDS: Final = """
asked AS (
    SELECT ('''' || replace(replace(word, '\\', '\\\\'), '''', '''''') || '''')::tsquery AS wanted
    FROM unnest({words}::text[]) AS word
),
counted AS MATERIALIZED (
    SELECT wanted, (
        SELECT count(*) FROM (SELECT FROM {table} WHERE words @@ wanted LIMIT {candidates}) AS few
    ) AS found FROM asked
),
telling AS MATERIALIZED (
    SELECT wanted, found, sum(found) OVER (ORDER BY found, wanted::text) AS total,
        ln(1 + (greatest({chunks} - found, 0) + 0.5::float8)
            / (found + 0.5::float8)) AS weight
    FROM counted WHERE found > 0
),
candidates AS MATERIALIZED (
    SELECT chunk_key, words, length(words) / avg(length(words)::float8) OVER () AS size
    FROM {table}
    WHERE words @@ (
        SELECT string_agg(wanted::text, ' | ')::tsquery FROM telling
        WHERE total <= {candidates} OR total = found
    ) AND {among}
),
weighed AS (
    SELECT chunk_key, sum(weight * 2.2 * often / (often + 1.2 * (0.25 + 0.75 * size))) AS bm25
    FROM (
        SELECT chunk_key, size, weight,
            3.28986813 * ts_rank('{{0, 0, 0.5, 1}}', candidates.words, wanted) AS often
        FROM candidates JOIN telling ON candidates.words @@ wanted
    ) AS hits
    GROUP BY chunk_key ORDER BY bm25 DESC, chunk_key LIMIT {depth}
),
by_words AS (
    SELECT chunk_key, bm25 / (bm25 + {pivot}) AS score,
        row_number() OVER (ORDER BY bm25 DESC, chunk_key) AS place FROM weighed
)"""
_FUSED: Final = """
found AS (
    SELECT chunk_key, least(1, coalesce({first} / (2 * ({k} + by_vector.place)), 0)
        + coalesce({first} / (2 * ({k} + by_words.place)), 0)) AS score
    FROM by_vector FULL JOIN by_words USING (chunk_key)
)"""
_ONE: Final = """
found AS (SELECT chunk_key, greatest(0, least(1, score)) AS score FROM {ranking})"""
_CHUNKS: Final = """
SELECT chunk_id, content, metadata::text, chunk_metadata::text,
    {embedding} AS embedding, score::float8 AS score
FROM (
    SELECT chunk_key, score FROM found WHERE score >= {threshold}
    ORDER BY score DESC, chunk_key LIMIT {limit}
) AS best JOIN {table} USING (chunk_key)
ORDER BY score DESC, chunk_key"""


@dataclass(slots=True)
class Statement:
    """SQL with what its placeholders stand for."""

    values: list[Any] = field(default_factory=list[Any])

    def place(self, value: Any, kind: str) -> str:
        """Give the placeholder of a value."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


def unit(vector: Sequence[float] | None) -> list[float] | None:
    """Bring a vector to unit length; None for one without a direction."""
    if vector is None:
        return None
    norm = math.sqrt(math.sumprod(vector, vector))
    return None if norm == 0.0 or not math.isfinite(norm) else [value / norm for value in vector]


def among(query: SearchQuery, statement: Statement) -> str:
    """Write the condition of the query's filters."""
    return "true" if query.filters is None else f"({to_sql(query.filters, statement.values)})"


def ranked(
    query: SearchQuery, *, table: str, chunks: int, words: Sequence[str]
) -> tuple[str, list[Any]]:
    """Write the statement that finds chunks, best first."""
    statement = Statement()
    vector = unit(query.vector) if query.mode != "keyword" else None
    known: dict[str, Any] = {
        "table": table,
        "among": among(query, statement),
        "depth": query.depth,
        "candidates": _CANDIDATES,
        "chunks": chunks,
        "pivot": BM25_PIVOT,
        "k": RRF_K,
        "first": f"{RRF_K + 1}.0",
    }
    parts: list[str] = []
    if vector is not None:
        known["vector"] = statement.place(vector, "real[]") + "::vector"
        parts.append(_BY_VECTOR)
    if query.mode != "vector" and words:
        known["words"] = statement.place(list(words), "text[]")
        parts.append(_BY_WORDS)
    parts.append(_ending(query, has_vector=vector is not None, has_words=bool(words)))
    known["threshold"] = statement.place(query.score_threshold, "float8")
    known["limit"] = query.limit
    known["embedding"] = "embedding::real[]" if query.with_embeddings else "NULL::real[]"
    sql = "WITH " + ",".join(parts) + _CHUNKS
    return sql.format(**known), statement.values


def _ending(query: SearchQuery, *, has_vector: bool, has_words: bool) -> str:
    if query.mode == "hybrid":
        return _fused(has_vector=has_vector, has_words=has_words)
    is_there = has_vector if query.mode == "vector" else has_words
    return _ONE.replace("{ranking}", f"by_{_RANKING[query.mode]}") if is_there else _NOTHING


def _fused(*, has_vector: bool, has_words: bool) -> str:
    missing = "(SELECT NULL::bigint AS chunk_key, NULL::bigint AS place WHERE false) AS by_{}"
    vectors = "by_vector" if has_vector else missing.format("vector")
    words = "by_words" if has_words else missing.format("words")
    return _FUSED.replace("FROM by_vector", f"FROM {vectors}").replace(
        "JOIN by_words", f"JOIN {words}"
    )


_RANKING: Final = {"vector": "vector", "keyword": "words"}
_NOTHING: Final = "\nfound AS (SELECT NULL::bigint AS chunk_key, 0 AS score WHERE false)"
