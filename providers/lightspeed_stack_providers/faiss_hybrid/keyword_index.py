"""The words of one store in memory, by tantivy: BM25 over word stems, titles counted double.

Kept in memory and never on disk: tantivy allows one writer to a folder, and several processes
share a store. It is derived from the SQLite file at a rate of about ten thousand chunks a second.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from tantivy import (
    Document,
    Filter,
    Index,
    Occur,
    Query,
    Schema,
    SchemaBuilder,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

from lightspeed_stack_providers.faiss_hybrid.ranking import Ranking

_HEADLINE_BOOST: Final = 2.0
_LONGEST_WORD: Final = 100
_MOST_WORDS: Final = 128  # of a question that is a document, the beginning
_WRITER_BYTES: Final = 15_000_000  # the least that tantivy takes
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


def _analyzer(language: str, *, without_stop_words: bool) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple())
    builder = builder.filter(Filter.remove_long(_LONGEST_WORD)).filter(Filter.lowercase())
    if without_stop_words:
        builder = builder.filter(Filter.stopword(language))
        if language == "english":
            words: list[str] = [*_ENGLISH_STOP_WORDS.split()]
            builder = builder.filter(Filter.custom_stopword(words))
    return builder.filter(Filter.stemmer(language)).filter(Filter.ascii_fold()).build()


class KeywordIndex:
    """Texts under the keys of their chunks. Not thread-safe."""

    def __init__(self, language: str) -> None:
        self._schema = _schema()
        self._index = Index(self._schema)
        self._all_words = _analyzer(language, without_stop_words=False)
        self._telling_words = _analyzer(language, without_stop_words=True)
        self._index.register_tokenizer(_STEMMED, self._all_words)

    def __len__(self) -> int:
        return self._index.searcher().num_docs

    def change(self, *, add: Iterator[tuple[int, str, str]], remove: Sequence[int] = ()) -> None:
        """Take (key, headline, text) rows in and let others go, in one step."""
        first = next(add, None)
        if first is None and not remove:
            return
        writer = self._index.writer(_WRITER_BYTES, 1)
        for key in remove:
            writer.delete_documents_by_term("key", key)
        for key, headline, text in chain([first] if first else [], add):
            document = Document()
            document.add_integer("key", key)
            document.add_text("headline", headline)
            document.add_text("body", text)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def search(self, text: str, limit: int, *, only: Sequence[int] | None = None) -> Ranking:
        """Find the chunks with most of the words, among those of `only` where it is given.

        Stop words are left out unless the question has no others.
        """
        words = self._telling_words.analyze(text) or self._all_words.analyze(text)
        depth = min(limit, len(self) if only is None else len(only))
        if not words or depth == 0:
            return []
        distinct = list(dict.fromkeys(words))[:_MOST_WORDS]
        query = Query.boolean_query(
            [(Occur.Should, part) for word in distinct for part in self._find(word)]
        )
        if only is not None:
            among = Query.const_score_query(
                Query.term_set_query(self._schema, "key", list(only)), 0.0
            )
            query = Query.boolean_query([(Occur.Must, query), (Occur.Must, among)])
        searcher = self._index.searcher()
        hits = searcher.search(query, depth, count=False).hits
        keys = searcher.fast_field_values("key", [address for _, address in hits])
        ranking = [(int(key or 0), float(hit[0])) for key, hit in zip(keys, hits, strict=True)]
        return sorted(ranking, key=lambda item: (-item[1], item[0]))

    def _find(self, word: str) -> tuple[Query, Query]:
        body = Query.term_query(self._schema, "body", word, "freq")
        headline = Query.term_query(self._schema, "headline", word, "freq")
        return body, Query.boost_query(headline, _HEADLINE_BOOST)
