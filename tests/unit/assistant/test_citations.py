"""Markers hold only where the passage speaks of what the answer says."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.assistant.citations import (
    SUPPORT_THRESHOLD,
    best_quote,
    claims_of,
    content_words,
    sentence_spans,
    support,
    verify_citations,
)
from lightspeed_core.assistant.freshness import Freshness
from lightspeed_core.domain.events import (
    CitationVerified,
    ModelAccepted,
    ModelEvent,
    ModelFinished,
    TextDelta,
    Warned,
)
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.retrieval import ChunkOrigin, Citation, RagChunk, SourceFile
from lightspeed_core.errors import EngineFailed

SOURCE = """\
# Conversations

Conversations are kept in one SQLite file, in WAL mode. A turn is recorded once, when it ends.
Deleting a conversation removes its turns and its title.

## Streaming

A client that lost its connection resumes with the header `Last-Event-ID`, e.g. after a network
change. Events are kept for ten minutes after the end of the turn.

- Heartbeats are sent every fifteen seconds.
- Comments are ignored by every known client.
"""
SPLIT = SOURCE.index("## Streaming")
SENTENCES = [SOURCE[start:end] for start, end in sentence_spans(SOURCE) if SOURCE[start] != "#"]
FINISHED = ModelFinished(TokenUsage(), "stop")


def chunk(start: int, end: int, *, knows_offsets: bool = True) -> RagChunk:
    return RagChunk(
        chunk_id=f"guide#{start}",
        document_id="docs/guide.md",
        content=SOURCE[start:end],
        score=0.5,
        store_id="docs",
        source="docs",
        title="Conversations",
        url="https://example.com/guide",
        content_hash="ab" * 32,
        start=start if knows_offsets else None,
        end=end if knows_offsets else None,
    )


CHUNKS = (chunk(0, SPLIT), chunk(SPLIT, len(SOURCE)))


async def replay(events: Sequence[ModelEvent]) -> AsyncGenerator[ModelEvent]:
    for event in events:
        yield event


async def answered(
    *events: ModelEvent, chunks: tuple[RagChunk, ...] = CHUNKS
) -> list[ModelEvent | CitationVerified | Warned]:
    return [event async for event in verify_citations(replay(events), chunks)]


async def cited(*tokens: str, chunks: tuple[RagChunk, ...] = CHUNKS) -> tuple[str, list[Citation]]:
    events = await answered(*(TextDelta((token,)) for token in tokens), FINISHED, chunks=chunks)
    text = "".join("".join(each.tokens) for each in events if isinstance(each, TextDelta))
    return text, [each.citation for each in events if isinstance(each, CitationVerified)]


async def test_a_supported_marker_is_cited_with_its_quote() -> None:
    text, citations = await cited("Conversations are stored in a SQLite file [1].")

    assert text == "Conversations are stored in a SQLite file [1]."
    (citation,) = citations
    assert citation.quote == "Conversations are kept in one SQLite file, in WAL mode."
    assert (citation.start, citation.end) == (17, 72)
    assert SOURCE[17:72] == citation.quote
    assert (citation.marker, citation.document_id) == ("[1]", "docs/guide.md")
    assert (citation.source, citation.title) == ("docs", "Conversations")
    assert (citation.url, citation.content_hash) == ("https://example.com/guide", "ab" * 32)


async def test_offsets_are_those_of_the_document_and_not_of_the_chunk() -> None:
    _, (citation,) = await cited("Heartbeats come every fifteen seconds [2].")
    assert citation.start is not None
    assert citation.start > SPLIT
    assert SOURCE[citation.start : citation.end] == "Heartbeats are sent every fifteen seconds."


async def test_a_chunk_without_offsets_is_cited_by_its_quote_alone() -> None:
    bare = (chunk(0, SPLIT, knows_offsets=False),)
    _, (citation,) = await cited("A turn is recorded once, when it ends [1].", chunks=bare)
    assert citation.quote == "A turn is recorded once, when it ends."
    assert (citation.start, citation.end) == (None, None)


@pytest.mark.parametrize("sentence", SENTENCES)
async def test_a_sentence_repeated_word_by_word_always_holds(sentence: str) -> None:
    number = 1 if sentence in CHUNKS[0].content else 2
    _, citations = await cited(f"{sentence} [{number}]")
    assert [citation.quote for citation in citations] == [sentence]


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("All turns of a deleted conversation are removed [1].", "Deleting a conversation removes"),
        ("Yes: turns are recorded only once, at their end [1].", "A turn is recorded once"),
        ("After a lost connection, use `Last-Event-ID` to resume [2].", "A client that lost"),
        ("You can resume for ten minutes after the turn's end [2].", "Events are kept"),
        ("**SQLite** in WAL mode holds the conversations. [1]", "Conversations are kept"),
        ("1. It sends heartbeats each fifteen seconds [2]", "Heartbeats are sent"),
    ],
)
async def test_a_paraphrase_holds(answer: str, quote: str) -> None:
    text, (citation,) = await cited(answer)
    assert text == answer
    assert citation.quote.startswith(quote)


@pytest.mark.requirement("citation.checked")
@pytest.mark.parametrize(
    "answer",
    [
        "Paris is the capital of France [1].",
        "The service needs Kubernetes and at least four nodes [2].",
        "Quotas are reset every month by a scheduler [1].",
        "Authentication uses JSON web tokens of the identity provider [2].",
        "PostgreSQL can be used with the pgvector extension [1].",
        "Set the environment variable to change the port of the service [2].",
        "No [1].",
        "[1] opens the answer.",
    ],
)
async def test_a_marker_without_support_is_dropped(answer: str) -> None:
    text, citations = await cited(answer)
    assert citations == []
    assert text == answer.replace(" [1]", "").replace(" [2]", "").replace("[1]", "")


@pytest.mark.requirement("citation.checked")
async def test_a_marker_without_its_passage_is_dropped() -> None:
    sentence = "A turn is recorded once, when it ends"
    assert await cited(f"{sentence} [3].") == (f"{sentence}.", [])
    assert await cited(f"{sentence} [0].") == (f"{sentence}.", [])


async def test_the_passage_that_does_not_support_is_dropped_from_a_list() -> None:
    text, citations = await cited("A turn is recorded once, when it ends [2, 1].")
    assert text == "A turn is recorded once, when it ends [1]."
    assert [citation.marker for citation in citations] == ["[1]"]


async def test_each_clause_of_a_sentence_is_judged_by_itself() -> None:
    text, citations = await cited(
        "Conversations live in one SQLite file [1], and heartbeats are sent every 15 seconds [2]."
    )
    assert text.count("[") == 2
    assert citations[1].quote == "Heartbeats are sent every fifteen seconds."


async def test_markers_side_by_side_stand_for_the_same_statement() -> None:
    both = (CHUNKS[0], CHUNKS[0])
    _, citations = await cited("A turn is recorded once, when it ends. [1][2] [1]", chunks=both)
    assert [citation.marker for citation in citations] == ["[1]", "[2]", "[1]"]
    assert len({citation.quote for citation in citations}) == 1


async def test_a_heading_is_never_the_quote() -> None:
    only_heading = (chunk(0, SOURCE.index("\n\n")),)
    assert await cited("Conversations [1].", chunks=only_heading) == ("Conversations.", [])


async def test_a_citation_follows_the_text_that_holds_its_marker() -> None:
    events = await answered(
        ModelAccepted(),
        TextDelta(("Heartbeats", " are", " sent", " [")),
        TextDelta(("2", "]")),
        TextDelta((" every", " fifteen")),
        FINISHED,
    )
    assert [type(event) for event in events] == [
        ModelAccepted,
        TextDelta,
        TextDelta,
        CitationVerified,
        ModelFinished,
    ]
    assert events[1] == TextDelta(("Heartbeats", " are", " sent"))
    assert events[2] == TextDelta((" [2] every", " fifteen"))


async def test_held_text_goes_out_before_the_model_finishes() -> None:
    events = await answered(TextDelta(("Heartbeats are sent [2]",)), FINISHED)
    assert [type(event) for event in events] == [
        TextDelta,
        TextDelta,
        CitationVerified,
        ModelFinished,
    ]
    assert events[-1] is FINISHED


async def test_held_text_goes_out_at_an_end_without_a_word() -> None:
    events = await answered(TextDelta(("an open [1",)))
    assert events == [TextDelta(("an open",)), TextDelta((" [1",))]


async def test_held_text_goes_out_before_a_failure() -> None:
    async def broken() -> AsyncGenerator[ModelEvent]:
        yield TextDelta(("Heartbeats are sent [2]",))
        raise EngineFailed("cut")

    seen: list[ModelEvent | CitationVerified | Warned] = []
    with pytest.raises(EngineFailed):
        async for event in verify_citations(broken(), CHUNKS):
            seen.append(event)  # noqa: PERF401 - a comprehension would lose what came before
    assert "".join("".join(each.tokens) for each in seen if isinstance(each, TextDelta)) == (
        "Heartbeats are sent [2]"
    )
    assert isinstance(seen[-1], CitationVerified)


async def test_code_left_open_in_one_model_call_does_not_reach_the_next() -> None:
    events = await answered(
        TextDelta(("```\nopen",)), FINISHED, TextDelta(("Nothing of it [7].",)), FINISHED
    )
    assert events[2] == TextDelta(("Nothing of it.",))


async def test_a_rule_between_statement_and_marker_is_no_statement() -> None:
    _, (citation,) = await cited("Heartbeats are sent every fifteen seconds.\n\n---\n\n[2]")
    assert citation.quote == "Heartbeats are sent every fifteen seconds."


async def test_closing_the_answer_ends_the_model_call() -> None:
    ended: list[bool] = []

    async def endless() -> AsyncGenerator[ModelEvent]:
        try:
            while True:
                yield TextDelta(("word ",))
        finally:
            ended.append(True)

    events = verify_citations(endless(), CHUNKS)
    await anext(events)
    await events.aclose()
    assert ended == [True]


ANSWERS = st.lists(
    st.sampled_from([*SENTENCES, " [1]", " [2]", "[1, 2]", " [3]", ". ", "\n", "words", "`x[1]`"]),
    max_size=15,
).map("".join)


@pytest.mark.requirement("citation.exact")
@given(answer=ANSWERS, cuts=st.lists(st.integers(0, 1500), max_size=30))
async def test_every_marker_has_its_exact_citation_wherever_tokens_are_cut(
    answer: str, cuts: list[int]
) -> None:
    points = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})
    text, citations = await cited(*(answer[a:b] for a, b in pairwise(points)))

    assert (text, citations) == await cited(answer)
    outside_code = text.replace("`x[1]`", "")
    markers = [f"[{part[0]}]" for part in outside_code.split("[")[1:]]
    assert markers == [citation.marker for citation in citations]
    for citation in citations:
        assert citation.start is not None
        assert SOURCE[citation.start : citation.end] == citation.quote


def test_support_is_the_share_of_the_claims_words_in_the_sentence() -> None:
    claim = content_words("Turns are recorded in a database")
    assert claim == {"turns", "record", "databa"}
    assert support(claim, content_words("The database has recorded it")) == pytest.approx(2 / 3)
    assert support(claim, content_words("A database of cats")) == 0.0
    assert support(content_words("Database"), content_words("A database of cats")) == 1.0
    assert support(frozenset(), claim) == 0.0
    assert 0.0 < SUPPORT_THRESHOLD < 0.5


def test_a_text_of_stop_words_keeps_them() -> None:
    assert content_words("It is what it is.") == {"it", "is", "what"}


def test_the_claim_is_the_last_sentence_or_its_last_clause() -> None:
    assert claims_of("One. Two is here") == ("Two is here", "Two is here")
    assert claims_of("One. Two is here.") == ("Two is here.", "Two is here.")
    assert claims_of("One. Two is [1], three is") == ("Two is  , three is", ", three is")
    assert claims_of("One. Two is here. [1][2] ") == ("Two is here.", "Two is here.")
    assert claims_of("One.[1] Two") == ("Two", "Two")
    assert claims_of(" [1] ") == ()


def test_sentences_end_where_a_reader_says_so() -> None:
    text = (
        "See e.g. this. Then that!\nWrapped\nline\n- one\n- two\n\n"
        "| a | b |\n| c | d |\n日本語。二つ。"
    )
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "See e.g. this.",
        "Then that!",
        "Wrapped\nline",
        "one",
        "two",
        "| a | b |",
        "| c | d |\n日本語。",
        "二つ。",
    ]


def test_the_shortest_of_equal_sentences_is_quoted() -> None:
    content = "Heartbeats are sent by the service in long silences. Heartbeats are sent."
    assert best_quote(("Heartbeats are sent.",), content) == (53, 73)
    assert best_quote((), content) is None


def test_text_without_blanks_between_words_is_supported_by_characters() -> None:
    content = "会話は一つのファイルに保存されます。別の文です。"
    assert best_quote(("会話はファイルに保存される",), content) == (0, 18)


def test_cutting_into_sentences_is_linear() -> None:
    assert len(sentence_spans("\n" * 200_000)) == 0
    assert len(sentence_spans("." * 200_000)) == 1
    assert len(sentence_spans(" " * 200_000 + "x")) == 1


async def test_a_citation_names_heading_and_page() -> None:
    breaks = (SOURCE.index("A turn is recorded"),)
    paged = replace(
        CHUNKS[0], heading="Conversations", page=3, origin=ChunkOrigin(page_breaks=breaks)
    )
    _, (first,) = await cited("Conversations are kept in a SQLite file [1].", chunks=(paged,))
    _, (second,) = await cited("A turn is recorded once, when it ends [1].", chunks=(paged,))
    assert (first.heading, first.page) == ("Conversations", 3)
    assert (second.heading, second.page) == ("Conversations", 4)


@pytest.mark.parametrize(
    "altered",
    [
        replace(CHUNKS[0], end=CHUNKS[0].end + 1 if CHUNKS[0].end else None),
        replace(CHUNKS[0], start=-1),
        replace(CHUNKS[0], start=None),
        replace(CHUNKS[0], origin=ChunkOrigin(content_digest="00" * 32)),
        replace(CHUNKS[0], start=None, end=None, origin=ChunkOrigin(content_digest="00" * 32)),
    ],
)
async def test_a_passage_that_is_not_as_it_was_cut_is_not_cited(altered: RagChunk) -> None:
    text, citations = await cited("A turn is recorded once, when it ends [1].", chunks=(altered,))
    assert (text, citations) == ("A turn is recorded once, when it ends.", [])


@pytest.mark.requirement("citations.stale")
async def test_what_a_changed_file_said_is_marked_and_warned_of_once(tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text(SOURCE)
    file = SourceFile(path=str(path), size=1, modified_ns=1, digest="")
    chunks = tuple(replace(each, origin=ChunkOrigin(file=file)) for each in CHUNKS)
    events = [
        TextDelta(("A turn is recorded once, when it ends [1]. ",)),
        TextDelta(("Conversations are kept in one SQLite file [1].",)),
        FINISHED,
    ]
    seen = [event async for event in verify_citations(replay(events), chunks, Freshness())]
    assert [each.citation.is_stale for each in seen if isinstance(each, CitationVerified)] == [
        True,
        True,
    ]
    (warned,) = [each.warning for each in seen if isinstance(each, Warned)]
    assert warned.code == "stale_source"
    assert warned.message.endswith(": Conversations")
    assert isinstance(seen[-1], Warned)
