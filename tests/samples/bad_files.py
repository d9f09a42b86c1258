"""Files that go wrong: an empty one, broken ones and hostile ones, and why each is not read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.document_files import (
    archive,
    circular_pdf,
    docx,
    docx_relations,
    paragraph,
    pdf,
    pdf_bomb,
)

FOLDER: Final = "bad"
_DEEP: Final = 100_000
_BOMB_MIB: Final = 256
_MIB: Final = 1024 * 1024

HIDDEN_FACT: Final = "The nested valve opens at 37 bar."
"""Stands at the bottom of the nested page, which is hostile and read all the same."""

EMPTY: Final = "empty.md"

UNREAD: Final[Mapping[str, str]] = {
    "cut-off.pdf": "is ",
    "damaged.docx": "is ",
    "endless.pdf": "",
    "bomb.pdf": "",
    "bomb.docx": "unpacks to more than is read",
    "no-picture.pdf": "holds no text",
}
"""Each file that is not read, and what its reason has in it."""


def write_bad_files(folder: Path) -> list[Path]:
    """Write them into a folder of their own below this one."""
    written: list[Path] = []
    for name, content in _contents().items():
        path = folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written


def _contents() -> dict[str, bytes]:
    report = pdf([[f"Page {number} of the report."] for number in range(1, 20)])
    letter = docx("".join(paragraph(f"Paragraph {number}.") for number in range(2000)))
    return {
        EMPTY: b"",
        "cut-off.pdf": report[: len(report) // 10],
        "damaged.docx": letter[: len(letter) // 2] + bytes(64) + letter[len(letter) // 2 + 64 :],
        "endless.pdf": circular_pdf(),
        "bomb.pdf": pdf_bomb(_BOMB_MIB),
        "bomb.docx": archive({"word/document.xml": bytes(_BOMB_MIB * _MIB)}),
        "no-picture.pdf": pdf([[]]),
        "nested.html": _nested_page(),
        "reaching-out.docx": _reaching_out(),
    }


def _nested_page() -> bytes:
    """Nest a sentence deeply, beside a script and what would be fetched by a browser."""
    return (
        "<html><head><title>Nested</title><script>document.write('scripted')</script></head><body>"
        '<img src="http://127.0.0.1:9/x.png" onerror="alert(1)"><iframe src="file:///etc/passwd">'
        f"</iframe>{'<span>' * _DEEP}{HIDDEN_FACT}{'</span>' * _DEEP}</body></html>"
    ).encode()


def _reaching_out() -> bytes:
    """Refer to a template and a picture elsewhere, which are not fetched."""
    relations = docx_relations(
        ("attachedTemplate", "http://127.0.0.1:9/template.dotm"),
        ("image", "file:///etc/passwd"),
    )
    return docx(paragraph("A letter with a template."), {"word/_rels/document.xml.rels": relations})
