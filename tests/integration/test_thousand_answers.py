"""Of a thousand generated answers, every citation that is shown is the text at its offsets."""

import hashlib
import random
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Final

import pytest

from lightspeed_core.assistant.citations import sentence_spans, verify_citations
from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.domain.events import CitationVerified, ModelEvent, TextDelta
from lightspeed_core.domain.retrieval import Chunk, Citation, RagChunk, SourceDocument
from lightspeed_core.engine.llama_stack.origin import origin_metadata, read_origin
from lightspeed_core.ingest.chunk import chunk_document
from lightspeed_core.ingest.parse.readers import read
from tests.support.document_files import docx, paragraph, pdf, word_table, xlsx

ANSWERS: Final = 1000
WORDS: Final = (
    *("pump", "valve", "operator", "cluster", "pressure", "token", "vector", "sensor", "backup"),
    *("starts", "refuses", "keeps", "measures", "opens", "closes", "restores", "drains", "writes"),
    *("every", "second", "before", "after", "without", "within", "because", "slowly", "twice"),
    *("Größe", "naïve", "日本語", "8080", "`run.yaml`", "Zürich", "v1.2.3", "(maintained)", "e.g."),
)


class Library:
    """Documents of many formats that chance wrote, with their chunks as a store gives them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.documents: dict[str, SourceDocument] = {}
        self.chunks: list[RagChunk] = []
        for number in range(8):
            for name, data in self._files(number):
                self._add(name, data)

    def sentence(self) -> str:
        words = self._chance.choices(WORDS, k=self._chance.randint(4, 14))
        return f"{' '.join(words).capitalize()}."

    def _paragraphs(self, count: int) -> list[str]:
        return [" ".join(self.sentence() for _ in range(4)) for _ in range(count)]

    def _files(self, number: int) -> list[tuple[str, bytes]]:
        parts = self._paragraphs(8)
        rows = [[str(row), self.sentence()] for row in range(40)]
        markdown = "\n\n".join(
            f"## Part {at}\n\n{part}\n\n- {self.sentence()}" for at, part in enumerate(parts)
        )
        page = "".join(f"<h2>Part {at}</h2><p>{part}</p>" for at, part in enumerate(parts))
        pages = [
            [
                line.encode("ascii", "ignore").decode().replace("(", "").replace(")", "")
                for line in self._paragraphs(3)
            ]
            for _ in range(5)
        ]
        csv = "\n".join(f'{row[0]},"{row[1]}"' for row in [["row", "text"], *rows])
        rst = "\n\n".join(f"Part {at}\n-------\n\n{part}" for at, part in enumerate(parts))
        word = "".join(
            paragraph(f"Part {at}", "Heading1") + paragraph(part) for at, part in enumerate(parts)
        )
        return [
            (f"{number}.md", markdown.replace("\n", "\r\n").encode()),
            (f"{number}.html", f"<html><main>{page}".encode()),
            (f"{number}.pdf", pdf(pages, bookmarks=[])),
            (f"{number}.csv", csv.encode("utf-16")),
            (f"{number}.rst", rst.encode()),
            (f"{number}.docx", docx(word + word_table(rows))),
            (f"{number}.xlsx", xlsx({"Sheet": rows})),
            (f"{number}.txt", "\n\n".join(parts).encode()),
        ]

    def _add(self, name: str, data: bytes) -> None:
        kind, reading = read(name, data, ParseLimits())
        document = SourceDocument(
            document_id=name,
            text=reading.text,
            content_hash=hashlib.sha256(reading.text.encode()).hexdigest(),
            title=name,
            media_type=kind,
            pages=reading.pages,
        )
        self.documents[name] = document
        self.chunks += [found(document, chunk) for chunk in chunk_document(document)]


def found(document: SourceDocument, chunk: Chunk) -> RagChunk:
    return RagChunk(
        chunk_id=chunk.chunk_id,
        document_id=document.document_id,
        content=chunk.content,
        score=0.5,
        store_id="store",
        title=document.title,
        content_hash=document.content_hash,
        start=chunk.start,
        end=chunk.end,
        heading=chunk.heading,
        page=chunk.page,
        origin=read_origin(origin_metadata(document, chunk)),
    )


def damaged(chance: random.Random, chunk: RagChunk) -> RagChunk:
    """Alter a chunk as a bad store or a hand in it could."""
    assert chunk.start is not None
    assert chunk.end is not None
    shift = chance.choice([-3, -1, 1, 7])
    swapped = chunk.content.replace("e", "a", 1)
    return chance.choice(
        [
            replace(chunk, content=swapped if swapped != chunk.content else f"{swapped[:-1]}?"),
            replace(chunk, content=f"{chunk.content} {chunk.content}"),
            replace(chunk, start=chunk.start + shift),
            replace(chunk, end=chunk.end + shift),
            replace(chunk, start=None),
            replace(chunk, start=-len(chunk.content), end=0),
        ]
    )


def answer(chance: random.Random, library: Library, passages: Sequence[RagChunk]) -> str:
    """Write quotes, halves of them and inventions, with right and wrong markers."""
    statements: list[str] = []
    for _ in range(chance.randint(1, 5)):
        number = chance.randrange(len(passages))
        spans = sentence_spans(passages[number].content)
        start, end = chance.choice(spans)
        quoted = passages[number].content[start:end].rstrip(".")
        words = quoted.split()
        said = chance.choice(
            [quoted, " ".join(words[: len(words) // 2 + 1]), library.sentence().rstrip(".")]
        )
        marker = chance.choice([number + 1, number + 1, chance.randint(0, 12)])
        statements.append(f"{said} [{marker}].")
    return " ".join(statements)


async def tokens_of(chance: random.Random, text: str) -> AsyncGenerator[ModelEvent]:
    while text:
        length = chance.randint(1, 9)
        yield TextDelta((text[:length],))
        text = text[length:]


def check(citation: Citation, document: SourceDocument) -> None:
    assert citation.content_hash == hashlib.sha256(document.text.encode()).hexdigest()
    assert citation.start is not None
    assert document.text[citation.start : citation.end] == citation.quote
    assert citation.quote.strip()
    if document.pages:
        on = [page for page in document.pages if page.start <= citation.start < page.end]
        assert [page.number for page in on] == [citation.page]


@pytest.mark.attack(78)
@pytest.mark.requirement("citation.exact")
async def test_every_citation_of_a_thousand_answers_is_the_text_at_its_offsets() -> None:
    chance = random.Random(78)
    library = Library(chance)
    shown = withheld = 0
    for _ in range(ANSWERS):
        passages = tuple(
            damaged(chance, chunk) if chance.random() < 0.3 else chunk
            for chunk in chance.sample(library.chunks, chance.randint(1, 8))
        )
        text = answer(chance, library, passages)
        events = [event async for event in verify_citations(tokens_of(chance, text), passages)]
        released = "".join(
            token for event in events if isinstance(event, TextDelta) for token in event.tokens
        )
        citations = [each.citation for each in events if isinstance(each, CitationVerified)]
        for citation in citations:
            assert citation.document_id is not None
            check(citation, library.documents[citation.document_id])
            assert citation.marker in released
        shown += len(citations)
        withheld += text.count("[") - len(citations)
    assert {document.media_type for document in library.documents.values()} > {"application/pdf"}
    assert shown > ANSWERS // 2
    assert withheld > ANSWERS // 2
