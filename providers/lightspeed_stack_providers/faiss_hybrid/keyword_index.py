"""The words of one store in memory, by tantivy: BM25 over word stems, titles counted double.

Each text is stemmed by its own language; a question is stemmed by all languages of the store.

Kept in memory and never on disk: tantivy allows one writer to a folder, and several processes
share a store. It is derived from the SQLite file at a rate of about ten thousand chunks a second.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
from tantivy import (
    Document,
    Filter,
    Index,
    IndexWriter,
    Occur,
    Query,
    Schema,
    SchemaBuilder,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

from lightspeed_stack_providers.unspaced import with_words
from lightspeed_stack_providers.vector_stores.languages import Analysis, Language
from lightspeed_stack_providers.vector_stores.ranking import Ranking

_HEADLINE_BOOST: Final = 2.0
_LONGEST_WORD: Final = 100
_LONGEST_QUESTION: Final = 20_000
_MOST_WORDS: Final = 128  # of a question that is a document, the beginning
_WRITER_BYTES: Final = 15_000_000  # the least that tantivy takes
# More texts than these are worth several threads, and memory that saves merging.
_MANY: Final = 5_000
_THREAD_BYTES: Final = 64_000_000
_MOST_THREADS: Final = 4
# Of a filtered search: how much more is looked through than chance would ask for, and the factor
# when that was not enough.
_LOOKED_THROUGH: Final = 1.5
_DEEPER: Final = 8
_STEMMED: Final = "stemmed"

# tantivy's own English list has 33 words and none of those that make a sentence a question.
_ENGLISH_STOP_WORDS: Final = (
    "i me my we our us you your he she its them those am were been being have has had do does did "
    "because until while about between during before after from here when where why how all any "
    "both each few more most other some nor only own same so than too very can just should now "
    "what which who whom would could may might must shall please tell"
)


def _schema() -> Schema:
    builder = SchemaBuilder()
    # Signed: tantivy 0.27 deletes nothing by the term of an unsigned field.
    builder.add_integer_field("key", indexed=True, fast=True)
    builder.add_text_field("body", tokenizer_name=_STEMMED, index_option="freq")
    builder.add_text_field("headline", tokenizer_name=_STEMMED, index_option="freq")
    return builder.build()


def _analyzer(analysis: Analysis, *, without_stop_words: bool) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple())
    builder = builder.filter(Filter.remove_long(_LONGEST_WORD)).filter(Filter.lowercase())
    if analysis == "simple":
        return builder.filter(Filter.ascii_fold()).build()
    if without_stop_words:
        builder = builder.filter(Filter.stopword(analysis))
        if analysis == "english":
            words: list[str] = [*_ENGLISH_STOP_WORDS.split()]
            builder = builder.filter(Filter.custom_stopword(words))
    return builder.filter(Filter.stemmer(analysis)).filter(Filter.ascii_fold()).build()


@dataclass(frozen=True, slots=True)
class Text:
    """What is found by its words: a chunk with what stands above it."""

    key: int
    headline: str
    body: str
    analysis: Analysis


class KeywordIndex:
    """Texts under the keys of their chunks. Not thread-safe."""

    def __init__(self, language: Language) -> None:
        self._schema = _schema()
        self._index = Index(self._schema)
        self._default: Analysis = language
        self._all_words: dict[Analysis, TextAnalyzer] = {}
        self._telling_words: dict[Analysis, TextAnalyzer] = {}
        self._know(language)
        self._index.register_tokenizer(_STEMMED, self._all_words[language])

    def __len__(self) -> int:
        return self._index.searcher().num_docs

    def change(self, *, add: Iterator[Text], remove: Sequence[int] = (), expected: int = 0) -> None:
        """Take texts in, about as many as are `expected`, and let others go, in one step."""
        first = next(add, None)
        if first is None and not remove:
            return
        writer = self._writer(expected)
        for key in remove:
            writer.delete_documents_by_term("key", key)
        for text in chain([first] if first else [], add):
            writer.add_document(self._document(text))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def search(self, text: str, limit: int, *, only: Any = None) -> Ranking:
        """Find the chunks with most of the words, among the keys of `only` where it is given.

        `only` is an ascending array. Stop words are left out unless the question has no others.
        """
        words = self._words(text)
        depth = min(limit, len(self) if only is None else len(only))
        if not words or depth == 0:
            return []
        distinct = list(dict.fromkeys(words))[:_MOST_WORDS]
        query = Query.boolean_query(
            [(Occur.Should, part) for word in distinct for part in self._find(word)]
        )
        ranking = self._best(query, depth) if only is None else self._among(query, depth, only)
        return sorted(ranking, key=lambda item: (-item[1], item[0]))

    def _best(self, query: Query, depth: int) -> Ranking:
        hits, keys = self._hits(query, depth)
        return [(key, score) for key, (score, _) in zip(keys, hits, strict=True)]

    def _among(self, query: Query, limit: int, only: Any) -> Ranking:
        """Look deeper until enough of what was found passes.

        tantivy reads a set of keys anew for every search, which takes longer than all the rest.
        """
        everything = len(self)
        depth = min(everything, math.ceil(_LOOKED_THROUGH * limit * everything / len(only)))
        while True:
            hits, keys = self._hits(query, depth)
            found = np.array(keys, dtype=np.int64)
            # Where a key would stand among those that pass, and whether it does.
            places = np.minimum(np.searchsorted(only, found), len(only) - 1)
            passing: list[int] = np.flatnonzero(only[places] == found)[:limit].tolist()
            if len(passing) == limit or len(hits) < depth or depth == everything:
                return [(keys[place], hits[place][0]) for place in passing]
            depth = min(everything, _DEEPER * depth)

    def _hits(self, query: Query, depth: int) -> tuple[Sequence[tuple[float, object]], list[int]]:
        """Give scores, best first, and the keys of what has them."""
        searcher = self._index.searcher()
        hits = searcher.search(query, depth, count=False).hits
        keys: Any = searcher.fast_field_values("key", [address for _, address in hits])
        return hits, keys

    def _writer(self, expected: int) -> IndexWriter:
        if expected < _MANY:
            return self._index.writer(_WRITER_BYTES, 1)
        threads = min(os.cpu_count() or 1, _MOST_THREADS)
        return self._index.writer(threads * _THREAD_BYTES, threads)

    def _words(self, text: str) -> list[str]:
        spaced = with_words(text[:_LONGEST_QUESTION])
        for analyzers in (self._telling_words, self._all_words):
            if words := [
                word for analyzer in analyzers.values() for word in analyzer.analyze(spaced)
            ]:
                return words
        return []

    def _document(self, text: Text) -> Document:
        document = Document()
        document.add_integer("key", text.key)
        for field, value in (("headline", text.headline), ("body", text.body)):
            spaced = with_words(value)
            if text.analysis == self._default:
                document.add_text(field, spaced)
            else:
                self._know(text.analysis)
                tokens = self._all_words[text.analysis].pre_tokenize(spaced)
                document.add_pre_tokenized_text(field, tokens)
        return document

    def _know(self, analysis: Analysis) -> None:
        if analysis not in self._all_words:
            self._all_words[analysis] = _analyzer(analysis, without_stop_words=False)
            self._telling_words[analysis] = _analyzer(analysis, without_stop_words=True)

    def _find(self, word: str) -> tuple[Query, Query]:
        body = Query.term_query(self._schema, "body", word, "freq")
        headline = Query.term_query(self._schema, "headline", word, "freq")
        return body, Query.boost_query(headline, _HEADLINE_BOOST)
