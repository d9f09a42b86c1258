"""Writes the part of docs/performance.md on vector stores."""

import statistics
from collections.abc import Iterable
from typing import Final

from tests.bench.ingesting import STREAMS, Lateness
from tests.bench.samples import percentile
from tests.bench.store_data import DIMENSION, SHARES, WORDS
from tests.bench.stores import (
    BATCH,
    BY_VECTOR,
    BY_WORDS,
    CHUNKS,
    OURS,
    QUESTIONS,
    Asked,
    StoreFigures,
)

HEADING: Final = "## Vector stores\n"
_INTRODUCTION: Final = f"""\
A `faiss_hybrid` store holds {CHUNKS:,} chunks of {WORDS} words with vectors of {DIMENSION} numbers.
Words follow Zipf's law, and a question has five to eight. The libraries alone are faiss (exact
inner products) and tantivy (BM25), in the same process with the same vectors, texts and words.
They are asked for as many as the store asks them for, and their filters are ready before. The
store looks its filter up, merges both rankings and reads ten chunks from its file. Each question
is asked of all three in turn, and comes with its vector.
"""
_STARTS: Final = """\
A service with this store is started in turn with one without any chunk, both for the second time
at least. The indexes of a store are built beside the start; the first answer is asked for at once
when the service is ready, and waits for what is left of that.
"""
_INGESTING: Final = f"""\
{STREAMS} callers stream answers of 50 tokens, 20 ms apart; every question is embedded, and searched
for first. Meanwhile the same process embeds and stores a folder of Markdown. The lag is how late
the event loop does what is due every 5 ms; whatever is due while it is busy counts by itself.
"""

type Row = Iterable[str]


def render_stores(figures: StoreFigures, rounds: int) -> str:
    """Render the part."""
    parts = [HEADING, f"{rounds} rounds of {QUESTIONS} questions.\n", _aims(figures)]
    parts += ["### Search\n", _INTRODUCTION, _searches(figures)]
    parts += ["### Insertion\n", _insertions(figures)]
    parts += ["### Start with a filled store\n", _STARTS, _starts(figures)]
    parts += ["### Streams while documents are ingested\n", _INGESTING, _ingesting(figures)]
    return "\n".join(parts)


def _table(titles: Row, rows: Iterable[Row]) -> str:
    titles = list(titles)
    lines = [titles, ["---", *["--:"] * (len(titles) - 1)], *rows]
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in lines), ""])


def _aims(figures: StoreFigures) -> str:
    starts, ingesting = figures.starts, figures.ingesting
    later = statistics.median(
        filled.readiness - empty.readiness
        for filled, empty in zip(starts.filled, starts.empty, strict=True)
    )
    grown = statistics.median(later / first for first, later in figures.store.growing.inserted)
    lag = 1000 * (ingesting.busy.lag(0.99) - ingesting.quiet.lag(0.99))
    rows = [
        _aim(
            f"Search p95 / bare faiss + bare tantivy, {_filter(share)}", 1.5, _ratio(figures, share)
        )
        for share in (None, *SHARES)
    ]
    rows += [
        _aim("Readiness with the store, later than without", 3, later, " s"),
        _aim(f"Insertion of the next {BATCH:,} chunks / of the first {BATCH:,}", 1.2, grown),
        _aim("Lag p99 of the event loop while ingesting, above that without", 20, lag, " ms"),
    ]
    return _table(("", "Aim, at most", "Measured"), rows)


def _aim(name: str, most: float, measured: float, unit: str = "") -> Row:
    verdict = "" if measured <= most else ", missed"
    return name, f"{most:g}{unit}", f"{measured:.2f}{unit}{verdict}"


def _filter(share: int | None) -> str:
    return "no filter" if share is None else f"a filter that keeps {100 / share:g} %"


def _ratio(figures: StoreFigures, share: int | None) -> float:
    def p95(searches: Asked, name: str) -> float:
        return percentile(searches[name, share], 0.95)

    return statistics.median(
        p95(searches, OURS) / (p95(searches, BY_VECTOR) + p95(searches, BY_WORDS))
        for searches in figures.store.searches
    )


def _searches(figures: StoreFigures) -> str:
    rows: list[Row] = []
    for share in (None, *SHARES):
        cells = [_filter(share)]
        for percent in (50, 95):
            cells += [
                _ms(
                    statistics.median(
                        percentile(searches[name, share], percent / 100)
                        for searches in figures.store.searches
                    )
                )
                for name in (OURS, BY_VECTOR, BY_WORDS)
            ]
        rows.append(cells)
    titles = [f"{name}, p{percent}" for percent in (50, 95) for name in (OURS, BY_VECTOR, BY_WORDS)]
    first = (
        f"The first search, which builds the indexes, took {figures.store.first_search:.1f} s; the "
        "first with a filter, which looks for the\nchunks that pass it, "
        f"{_ms(figures.store.first_filtered)}.\n"
    )
    return f"{_table(('', *titles), rows)}\n{first}"


def _insertions(figures: StoreFigures) -> str:
    growing = figures.store.growing
    rows: list[Row] = []
    for name, pairs in (
        (f"insertion of {BATCH:,} chunks", growing.inserted),
        ("the search after it, which indexes them", growing.found),
    ):
        first, later = (statistics.median(column) for column in zip(*pairs, strict=True))
        rows.append((name, _ms(first), _ms(later)))
    total = f"All {CHUNKS:,} chunks were inserted in {sum(figures.store.filled):.0f} s.\n"
    return f"{_table(('', 'an empty store', 'the full store'), rows)}\n{total}"


def _starts(figures: StoreFigures) -> str:
    rows: list[Row] = []
    for name, starts in (("empty", figures.starts.empty), ("full", figures.starts.filled)):
        seconds = [
            f"{statistics.median(getattr(start, column) for start in starts):.2f} s"
            for column in ("readiness", "first_answer", "second_answer")
        ]
        memory = statistics.median(start.memory for start in starts)
        rows.append((name, *seconds, f"{memory:.0f} MB"))
    return _table(("store", "readiness", "first answer", "second answer", "memory then"), rows)


def _ingesting(figures: StoreFigures) -> str:
    found = figures.ingesting
    rows = [_lateness("streams alone", found.quiet), _lateness("with ingestion", found.busy)]
    titles = ("", "lag p50", "p99", "longest", "first token p50", "stream p95", "failed")
    total = f"{found.chunks:,} chunks were embedded and stored in {found.seconds:.0f} s.\n"
    return f"{_table(titles, rows)}\n{total}"


def _lateness(name: str, late: Lateness) -> Row:
    batches = late.batches
    return (
        name,
        *(_ms(late.lag(share)) for share in (0.5, 0.99, 1)),
        _ms(statistics.median(batch.first_p50 for batch in batches)),
        _ms(statistics.median(batch.p95 for batch in batches)),
        str(sum(batch.failed for batch in batches)),
    )


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
