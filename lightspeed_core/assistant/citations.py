"""Checks the citation markers of an answer against the passages while the answer streams.

Knows chunks and text; it asks no model and judges by shared words alone, so a citation says
that its quote speaks of the same things as the statement, not that it proves it.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from lightspeed_core.assistant.freshness import Freshness
from lightspeed_core.assistant.markers import MarkerFilter
from lightspeed_core.domain.events import CitationVerified, ModelFinished, TextDelta, Warned
from lightspeed_core.domain.retrieval import Citation, RagChunk
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.errors import LightspeedError

SUPPORT_THRESHOLD: Final = 0.35

_STEM: Final = 6
_STOP_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        a about also an and any are as at be been but by can could did do does each for from had
        has have how i if in into is it its may might more most must no not of on one only or
        other our shall should so some such than that the their them then there these they this
        those to was we were what when where which while who will with would you your
        """,
    )
)
# Chinese and Japanese write no blanks between words: each character counts as one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_SENTENCE_END = re.compile(
    r"""(?<=[.!?\u2026])["'\u201d\u2019)\]*_`\x1f]*+\s+(?=[^\sa-z])
      | [\u3002\uff01\uff1f]+
      | \n[ \t\r]*+\n
      | \n(?=[ \t]*+(?:[-*+>\#|]|[0-9]{1,3}[.)]\ |```|~~~))""",
    re.VERBOSE,
)
_LIST_MARK = re.compile(r"(?:[-*+>]|[0-9]{1,3}[.)])\s+")
_KEPT_MARKER = re.compile(r"\[[0-9]{1,3}\]")
_MARK: Final = "\x1f"


async def verify_citations[E](
    events: AsyncGenerator[E],
    chunks: Sequence[RagChunk],
    freshness: Freshness | None = None,
) -> AsyncGenerator[E | TextDelta | CitationVerified | Warned]:
    """Release text with verified markers only; each is followed by its `CitationVerified`.

    Marker `[n]` means `chunks[n - 1]`; chunks may join while the answer streams. A token that
    holds nothing undecided is passed on as it came; held text comes with the next token, at the
    latest before any event that is no text. With `freshness` a citation of a file that has
    changed says so, and one warning at the end names the documents.
    """
    answer = _CitedText(chunks)
    dated = _Dates(chunks, freshness)
    try:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, TextDelta):
                    for released in answer.take(event):
                        yield await dated.checked(released)
                    continue
                for released in answer.flush():
                    yield await dated.checked(released)
                if isinstance(event, ModelFinished):
                    answer.begin_anew()
                yield event
    except LightspeedError:
        for released in answer.flush():
            yield await dated.checked(released)
        raise
    for released in answer.flush():
        yield await dated.checked(released)
    if dated.stale:
        yield Warned(_stale_warning(dated.stale))


def best_quote(claims: tuple[str, ...], content: str) -> tuple[int, int] | None:
    """Find the sentence of a chunk that supports one of the claims best, as [start, end).

    None below the threshold; see `support`.
    """
    return _best_quote(_sentences(content), [content_words(claim) for claim in claims])


type _Sentence = tuple[int, int, frozenset[str]]


def _sentences(content: str) -> list[_Sentence]:
    """Cut a text into sentences with their words, headings aside."""
    return [
        (start, end, content_words(content[start:end]))
        for start, end in sentence_spans(content)
        if not content.startswith("#", start)
    ]


def _best_quote(sentences: list[_Sentence], claims: list[frozenset[str]]) -> tuple[int, int] | None:
    best: tuple[int, int] | None = None
    best_score = (SUPPORT_THRESHOLD, float("-inf"))
    for start, end, words in sentences:
        score = max((support(claim, words) for claim in claims), default=0.0)
        if (score, -len(words)) > best_score and words:
            best, best_score = (start, end), (score, -len(words))
    return best


def claims_of(text: str) -> tuple[str, ...]:
    """Read off what a marker behind `text` may stand for: the last sentence, its last clause.

    The clause is what follows the previous marker of that sentence.
    """
    marked = _KEPT_MARKER.sub(_MARK, text)
    for start, end in reversed(sentence_spans(marked)):
        clauses = [part for part in marked[start:end].split(_MARK) if _WORD.search(part)]
        if clauses:
            return (" ".join(clauses), clauses[-1])
    return ()


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Cut a text into sentences, list entries, table rows and code blocks, without blank ends."""
    spans: list[tuple[int, int]] = []
    start = 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        sentence = text[start:end]
        left = start + len(sentence) - len(sentence.lstrip())
        if list_mark := _LIST_MARK.match(text, left, end):
            left = list_mark.end()
        right = left + len(text[left:end].rstrip())
        if right > left:
            spans.append((left, right))
        start = end
    return spans


def content_words(text: str) -> frozenset[str]:
    """Reduce a text to the beginnings of its words, without words that carry no meaning."""
    words = [word[:_STEM] for word in _WORD.findall(text.casefold())]
    return frozenset(words).difference(_STOP_WORDS) or frozenset(words)


def support(claim: frozenset[str], sentence: frozenset[str]) -> float:
    """Measure how far a sentence supports a claim: |claim ∩ sentence| / |claim|, in [0, 1].

    0.0 where they share one word alone and the claim has more: a single common word says
    nothing. A sentence repeated word by word has 1.0. A marker holds from `SUPPORT_THRESHOLD`.
    """
    shared = len(claim & sentence)
    return shared / len(claim) if shared >= min(2, len(claim)) and shared else 0.0


@dataclass
class _Passage:
    """A chunk's text, checked and cut into sentences when the first marker asks for it."""

    chunk: RagChunk

    @cached_property
    def is_exact(self) -> bool:
        """Say whether the text is the one that was cut out of the document at its offsets."""
        chunk = self.chunk
        digest = chunk.origin and chunk.origin.content_digest
        if digest and _digest(chunk.content) != digest:
            return False
        if chunk.start is None or chunk.end is None:
            return chunk.start is chunk.end
        return 0 <= chunk.start == chunk.end - len(chunk.content)

    @cached_property
    def sentences(self) -> "list[_Sentence]":
        """The sentences that may be quoted."""
        return _sentences(self.chunk.content)


class _CitedText:
    """The text of an answer on its way through the filter, with the citations found."""

    def __init__(self, chunks: Sequence[RagChunk]) -> None:
        self._chunks = chunks
        self._passages: dict[int, _Passage] = {}
        self._markers = MarkerFilter(self._judge)
        self._verified: list[CitationVerified] = []

    def begin_anew(self) -> None:
        """Begin the text of another model call, which no marker spans."""
        self._markers = MarkerFilter(self._judge)

    def take(self, delta: TextDelta) -> list[TextDelta | CitationVerified]:
        return self._events([self._markers.feed(token) for token in delta.tokens])

    def flush(self) -> list[TextDelta | CitationVerified]:
        return self._events([self._markers.flush()])

    def _events(self, texts: list[str]) -> list[TextDelta | CitationVerified]:
        tokens = tuple(text for text in texts if text)
        verified, self._verified = self._verified, []
        return [TextDelta(tokens), *verified] if tokens else [*verified]

    def _judge(self, number: int, context: str) -> bool:
        if not 1 <= number <= len(self._chunks):
            return False
        claims = [content_words(claim) for claim in claims_of(context)]
        chunk = self._chunks[number - 1]
        passage = self._passages.setdefault(number, _Passage(chunk))
        quote = _best_quote(passage.sentences, claims)
        if quote is None or not passage.is_exact:
            return False
        self._verified.append(CitationVerified(_cite(number, chunk, *quote)))
        return True


class _Dates:
    """Marks citations of files that have changed; `stale` are their titles in order."""

    def __init__(self, chunks: Sequence[RagChunk], freshness: Freshness | None) -> None:
        self._chunks = chunks
        self._freshness = freshness
        self.stale: dict[str, None] = {}

    async def checked(self, event: TextDelta | CitationVerified) -> TextDelta | CitationVerified:
        if self._freshness is None or isinstance(event, TextDelta):
            return event
        chunk = self._chunks[int(event.citation.marker[1:-1]) - 1]
        file = chunk.origin and chunk.origin.file
        if not file or not await self._freshness.is_stale(file):
            return event
        self.stale[chunk.title or chunk.document_id or chunk.store_id] = None
        return CitationVerified(replace(event.citation, is_stale=True))


def _cite(number: int, chunk: RagChunk, start: int, end: int) -> Citation:
    first = None if chunk.start is None else chunk.start + start
    return Citation(
        marker=f"[{number}]",
        document_id=chunk.document_id,
        source=chunk.source,
        title=chunk.title,
        url=chunk.url,
        content_hash=chunk.content_hash,
        start=first,
        end=None if chunk.start is None else chunk.start + end,
        quote=chunk.content[start:end],
        page=_page_at(chunk, first),
        heading=chunk.heading,
    )


def _page_at(chunk: RagChunk, position: int | None) -> int | None:
    """Count the pages that begin within the chunk before the position."""
    if chunk.page is None or position is None or chunk.origin is None:
        return chunk.page
    return chunk.page + bisect_right(chunk.origin.page_breaks, position)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _stale_warning(titles: dict[str, None]) -> TurnWarning:
    return TurnWarning(
        code="stale_source",
        message="Changed since they were indexed, so that a quote may be out of date: "
        f"{', '.join(titles)}",
    )
