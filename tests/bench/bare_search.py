"""The two libraries beneath the hybrid store, without a store.

Exact inner products by faiss; by tantivy BM25 over the same words with the same weights. Filters
are ready before they are used: faiss has a set of ids (`IDSelectorBatch`), tantivy a term of an
indexed field that has to match. Both are asked for as many as the store asks them for.
"""

from typing import Any, Final

import faiss
import numpy as np
from tantivy import (
    Document,
    Filter,
    Index,
    Occur,
    Query,
    SchemaBuilder,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

from tests.bench.store_data import DIMENSION, FUNCTION_WORDS, SHARES, Sample

DEPTH: Final = 50
REMAINDER: Final = 0
"""What is left over by the numbers of the chunks that pass a filter."""
_STEMMED: Final = "stemmed"


class BareVectors:
    """The vectors of a sample in faiss."""

    def __init__(self, sample: Sample, chunks: int) -> None:
        faiss.omp_set_num_threads(1)
        self._index: Any = faiss.IndexFlatIP(DIMENSION)
        self._index.add(sample.vectors[:chunks])
        self._asked = sample.asked
        self._parameters: dict[int, Any] = {}
        for share in SHARES:
            selector = faiss.IDSelectorBatch(np.arange(REMAINDER, chunks, share, dtype=np.int64))
            self._parameters[share] = faiss.SearchParameters()
            self._parameters[share].sel = selector

    def search(self, number: int, share: int | None) -> None:
        """Look for the neighbours of a question."""
        parameters = None if share is None else self._parameters[share]
        self._index.search(self._asked[number : number + 1], DEPTH, params=parameters)


class BareWords:
    """The texts of a sample in tantivy."""

    def __init__(self, sample: Sample, chunks: int) -> None:
        builder = SchemaBuilder().add_integer_field("key", fast=True)
        for field in ("body", "headline"):
            builder.add_text_field(field, tokenizer_name=_STEMMED, index_option="freq")
        for share in SHARES:
            builder.add_integer_field(f"one_in_{share}", indexed=True)
        self._schema = builder.build()
        self._index = Index(self._schema)
        self._index.register_tokenizer(_STEMMED, _analyzer())
        self._analyzer = _analyzer(Filter.custom_stopword(FUNCTION_WORDS))
        self._questions = sample.questions
        writer = self._index.writer(num_threads=1)
        for number in range(chunks):
            writer.add_document(_document(sample, number))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._filters = {share: self._term(f"one_in_{share}", REMAINDER) for share in SHARES}

    def search(self, number: int, share: int | None) -> None:
        """Look for the words of a question, and read the keys of what is found."""
        words = dict.fromkeys(self._analyzer.analyze(self._questions[number]))
        query = Query.boolean_query([part for word in words for part in self._parts(word)])
        if share is not None:
            wanted = Query.const_score_query(self._filters[share], 0.0)
            query = Query.boolean_query([(Occur.Must, query), (Occur.Must, wanted)])
        searcher = self._index.searcher()
        hits = searcher.search(query, DEPTH, count=False).hits
        searcher.fast_field_values("key", [address for _, address in hits])

    def _parts(self, word: str) -> tuple[tuple[Occur, Query], tuple[Occur, Query]]:
        headline = Query.boost_query(self._term("headline", word), 2.0)
        return (Occur.Should, self._term("body", word)), (Occur.Should, headline)

    def _term(self, field: str, value: str | int) -> Query:
        return Query.term_query(self._schema, field, value, "freq")


def _document(sample: Sample, number: int) -> Document:
    document = Document()
    document.add_integer("key", number)
    document.add_text("body", sample.texts[number])
    document.add_text("headline", sample.headline(number))
    for share in SHARES:
        document.add_integer(f"one_in_{share}", number % share)
    return document


def _analyzer(*filters: Filter) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple())
    for each in (Filter.remove_long(100), Filter.lowercase(), *filters):
        builder = builder.filter(each)
    return builder.filter(Filter.stemmer("english")).filter(Filter.ascii_fold()).build()
