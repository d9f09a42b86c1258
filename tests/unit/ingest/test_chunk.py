"""Chunks are exact pieces of their document, small enough to be embedded whole."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.domain.retrieval import PageSpan, SourceDocument
from lightspeed_core.engine.types import EmbeddingReach
from lightspeed_core.ingest.chunk import (
    MAX_TOKENS,
    chunk_document,
    embedding_text,
)
from lightspeed_core.ingest.sizes import Sizes, estimate_tokens

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


@pytest.mark.requirement("chunks.tables")
def test_a_long_table_is_cut_between_rows_and_each_piece_is_embedded_with_the_header() -> None:
    rows = [
        f"| service {number} | {8000 + number} | listens on this port |" for number in range(60)
    ]
    table = "\n".join(["| name | port | meaning |", "|---|---|---|", *rows])
    text = f"## Ports\n\n{PARAGRAPH}\n\n{table}\n\n{PARAGRAPH}"
    named = document(text)
    chunks = [chunk for chunk in chunk_document(named) if "| service" in chunk.content]
    assert len(chunks) > 3
    assert chunks[0].table_header == ""
    assert chunks[0].content.startswith("| name | port | meaning |\n|---|---|---|\n| service 0 |")
    for chunk in chunks[1:]:
        assert chunk.table_header == "| name | port | meaning |"
        assert chunk.content.startswith("| service")
        assert chunk.content.endswith("listens on this port |")
        assert embedding_text(named, chunk).startswith(
            "Guide > Ports\n| name | port | meaning |\n| service"
        )
        assert estimate_tokens(f"{chunk.table_header}\n{chunk.content}") <= MAX_TOKENS
    assert "\n".join(chunk.content for chunk in chunks) == table


@pytest.mark.requirement("chunks.tables")
def test_a_row_that_is_too_long_is_cut_and_no_header_takes_the_room_of_its_rows() -> None:
    wide = f"| {' | '.join(f'column {n}' for n in range(60))} |"
    text = "\n".join([wide, f"|{'---|' * 60}", *[f"| {'word ' * 300}|"] * 2])
    chunks = chunk_document(document(text))
    assert all(chunk.table_header == "" for chunk in chunks)
    assert all(estimate_tokens(chunk.content) <= MAX_TOKENS for chunk in chunks)
    assert sum(chunk.content.count("word") for chunk in chunks) == 600


@pytest.mark.requirement("chunks.pages")
def test_a_chunk_knows_its_page_and_where_the_next_ones_begin() -> None:
    parts = ["First page.\n\n", "", "# Third\n\nText of it.\n\n", "Fourth page.\n\n"]
    pages: list[PageSpan] = []
    for number, part in enumerate(parts, start=1):
        start = pages[-1].end if pages else 0
        pages.append(PageSpan(number, start, start + len(part)))
    text = "".join(parts)
    paged = SourceDocument(
        document_id="a.pdf", text=text, content_hash="", title="A", pages=tuple(pages)
    )
    (chunk,) = chunk_document(paged)
    assert (chunk.page, chunk.page_breaks) == (1, (13, 13, 35))
    assert text[35:].startswith("Fourth page.")
    third = chunk_document(paged, max_tokens=6)[1]
    assert third.content.startswith("# Third")
    assert (third.page, third.page_breaks) == (3, ())
    assert chunk_document(document(text))[0].page is None


def test_a_plain_text_has_no_headings() -> None:
    text = "# a comment\nvalue = 1\n\n# another\n"
    plain = SourceDocument(
        document_id="a.txt", text=text, content_hash="", title="a", media_type="text/plain"
    )
    (chunk,) = chunk_document(plain)
    assert (chunk.heading, chunk.content) == ("", text.strip())


def test_sizes_are_those_of_the_models_own_count() -> None:
    named = document("word " * 1000)
    reach = EmbeddingReach(tokens=200, count=lambda text: 2 * len(text.split()))
    chunks = chunk_document(named, max_tokens=50, sizes=Sizes(reach))
    assert {len(chunk.content.split()) for chunk in chunks} == {25}


@pytest.mark.parametrize("kind", ["text/markdown", "text/plain"])
@pytest.mark.parametrize("unit", ["A sentence of words. ", "Lines of it\n", "x", "| a | b |\n"])
def test_cutting_is_linear(unit: str, kind: str) -> None:
    def counted(length: int) -> int:
        read: list[int] = []

        class Reading(Sizes):
            def count(self, text: str, *, wanted: int) -> int:
                read.append(len(text))
                return super().count(text, wanted=wanted)

        text = unit * (length // len(unit))
        named = SourceDocument(
            document_id="a", text=text, content_hash="", title="a", media_type=kind
        )
        chunk_document(named, sizes=Reading())
        return sum(read)

    # What is counted over and over would grow with the square.
    assert counted(400_000) < 6 * counted(100_000)


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


def test_a_chunk_that_stays_as_it_was_keeps_its_id() -> None:
    before = chunk_document(document(f"# A\n\n{PARAGRAPH}\n\n# B\n\n{PARAGRAPH}"))
    after = chunk_document(document(f"# New\n\n{PARAGRAPH}\n\n# B\n\n{PARAGRAPH}"))
    assert before[0].chunk_id != after[0].chunk_id
    assert before[1].chunk_id == after[1].chunk_id
    assert before[1].start != after[1].start


def test_equal_chunks_of_a_document_have_ids_of_their_own() -> None:
    chunks = chunk_document(document(f"# A\n\n{PARAGRAPH}\n\n# A\n\n{PARAGRAPH}"))
    assert chunks[0].content == chunks[1].content
    assert chunks[0].chunk_id != chunks[1].chunk_id


def test_the_embedded_text_names_title_and_headings_once() -> None:
    named = document(f"# Guide\n\n## Use\n\n{PARAGRAPH}")
    (chunk,) = chunk_document(named)
    assert embedding_text(named, chunk).startswith("Guide > Use\n# Guide")
    other = document(named.text, title="Read me")
    assert embedding_text(other, chunk).startswith("Read me > Guide > Use\n")
    plain = document("Text.")
    assert embedding_text(plain, chunk_document(plain)[0]) == "Guide\nText."


BLOCKS = st.sampled_from(
    [
        *("# One", "## Two", "### Three", "#", "text é 日本", PARAGRAPH, "- a\n- b\n  - c", "---"),
        *("```\n# x\n```", "```", "~~~", "| a | b |\n|---|---|\n| 1 | 2 |", "> quote", "1. one"),
        *(
            "| n | text |\n|---|---|\n" + "| 1 | some words of a row |\n" * 50,
            "| a |\n|---|\n| b |",
        ),
        *("word " * 400, "x" * 3000, "\u2028", "\t", "<div>\n\n</div>", "**bold** `code`", "\\"),
    ]
)


@pytest.mark.requirement("chunks.exact")
@given(
    st.lists(BLOCKS, max_size=12),
    st.sampled_from(["\n", "\n\n", "\r\n", " "]),
    st.sampled_from(["text/markdown", "text/plain"]),
)
def test_offsets_are_exact_and_no_word_is_lost(blocks: list[str], between: str, kind: str) -> None:
    text = between.join(blocks)
    named = SourceDocument(
        document_id="a", text=text, content_hash="", title="Guide", media_type=kind
    )
    chunks = chunk_document(named)
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
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
