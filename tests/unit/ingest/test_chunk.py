"""Chunks are exact pieces of their document, small enough to be embedded whole."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.domain.retrieval import SourceDocument
from lightspeed_core.ingest.chunk import (
    MAX_TOKENS,
    chunk_document,
    embedding_text,
    estimate_tokens,
)

PARAGRAPH = "The service keeps every turn of a conversation in its own database. " * 4


def document(text: str, title: str = "Guide") -> SourceDocument:
    return SourceDocument(
        document_id="docs/guide.md",
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        title=title,
    )


def test_sections_that_fit_are_chunks_with_their_headings() -> None:
    text = f"# Guide\n\n{PARAGRAPH}\n\n## Use\n\n{PARAGRAPH}\n"
    chunks = chunk_document(document(text))
    assert [chunk.heading for chunk in chunks] == ["Guide", "Guide > Use"]
    assert [chunk.content for chunk in chunks] == [
        f"# Guide\n\n{PARAGRAPH}".strip(),
        f"## Use\n\n{PARAGRAPH}".strip(),
    ]


def test_a_short_section_joins_the_next() -> None:
    chunks = chunk_document(document(f"# Guide\n\n## Use\n\n{PARAGRAPH}\n\n## End\n\nBye.\n"))
    assert [chunk.heading for chunk in chunks] == ["Guide > Use", "Guide > End"]
    assert chunks[0].content.startswith("# Guide\n\n## Use\n\nThe service")


def test_a_short_section_stays_alone_where_the_next_is_full() -> None:
    long = f"{PARAGRAPH}\n\n" * 6
    chunks = chunk_document(document(f"# Guide\n\nShort.\n\n## Use\n\n{long}"))
    assert chunks[0].content == "# Guide\n\nShort."
    assert {chunk.heading for chunk in chunks[1:]} == {"Guide > Use"}


def test_a_long_section_is_cut_at_paragraphs_and_keeps_its_heading_in_front() -> None:
    paragraphs = [f"{number}. {PARAGRAPH}".strip() for number in range(8)]
    text = "## Use\n\n" + "\n\n".join(paragraphs)
    chunks = chunk_document(document(text))
    assert len(chunks) > 2
    assert chunks[0].content.startswith("## Use\n\n0. The service")
    assert all(chunk.content.endswith("database.") for chunk in chunks)
    assert [chunk.start for chunk in chunks] == sorted(chunk.start for chunk in chunks)


def test_code_and_tables_stay_whole_where_they_fit() -> None:
    code = "```bash\n" + "make run\n\n" * 20 + "```"
    table = "| key | value |\n|---|---|\n" + "| port | 8080 |\n" * 15
    text = f"## Use\n\n{PARAGRAPH}\n{PARAGRAPH}\n\n{code}\n\n{PARAGRAPH}\n\n{table}\n\n{PARAGRAPH}"
    contents = [chunk.content for chunk in chunk_document(document(text))]
    assert any(code in content for content in contents)
    assert any(table.strip() in content for content in contents)


def test_an_overlong_heading_with_nothing_below_it_is_not_lost() -> None:
    text = "# " + "word " * 400
    chunks = chunk_document(document(text))
    assert len(chunks) > 1
    assert sum(chunk.content.count("word") for chunk in chunks) == 400


def test_a_text_without_headings_is_one_chunk() -> None:
    (chunk,) = chunk_document(document("  Plain text.\n\n"))
    assert (chunk.content, chunk.start, chunk.end, chunk.heading) == ("Plain text.", 2, 13, "")


def test_an_empty_text_has_no_chunks() -> None:
    assert chunk_document(document(" \n")) == []


def test_ids_are_the_same_for_the_same_version_only() -> None:
    one, same = (chunk_document(document(f"# A\n\n{PARAGRAPH}"))[0].chunk_id for _ in "12")
    other = chunk_document(document(f"# A\n\n{PARAGRAPH}\n"))[0].chunk_id
    assert one == same != other


def test_the_embedded_text_names_title_and_headings_once() -> None:
    named = document(f"# Guide\n\n## Use\n\n{PARAGRAPH}")
    (chunk,) = chunk_document(named)
    assert embedding_text(named, chunk).startswith("Guide > Use\n# Guide")
    other = document(named.text, title="Read me")
    assert embedding_text(other, chunk).startswith("Read me > Guide > Use\n")
    plain = document("Text.")
    assert embedding_text(plain, chunk_document(plain)[0]) == "Guide\nText."


def test_tokens_are_estimated_by_words_and_marks() -> None:
    assert estimate_tokens("The port, 8080.") == 5
    assert estimate_tokens("configuration") == 3
    assert estimate_tokens("a_b") == 3
    assert estimate_tokens(" \n") == 0


BLOCKS = st.sampled_from(
    [
        *("# One", "## Two", "### Three", "#", "text é 日本", PARAGRAPH, "- a\n- b\n  - c", "---"),
        *("```\n# x\n```", "```", "~~~", "| a | b |\n|---|---|\n| 1 | 2 |", "> quote", "1. one"),
        *("word " * 400, "x" * 3000, "\u2028", "\t", "<div>\n\n</div>", "**bold** `code`", "\\"),
    ]
)


@given(st.lists(BLOCKS, max_size=12), st.sampled_from(["\n", "\n\n", "\r\n", " "]))
def test_offsets_are_exact_and_no_word_is_lost(blocks: list[str], between: str) -> None:
    text = between.join(blocks)
    chunks = chunk_document(document(text))
    position = 0
    for chunk in chunks:
        assert chunk.content == text[chunk.start : chunk.end]
        assert chunk.content.strip()
        assert not text[position : chunk.start].strip()
        position = chunk.end
    assert not text[position:].strip()
    for chunk in chunks:
        # A piece that only just fits may have its heading's line in front.
        assert estimate_tokens(chunk.content) <= MAX_TOKENS + 10
