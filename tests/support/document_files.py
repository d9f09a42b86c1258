"""Files of the formats that documents come in, made as small as they can be, and hostile ones."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from openpyxl import Workbook
from pptx import Presentation
from pypdf import PageObject, PdfWriter
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
)

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def pdf(
    pages: Sequence[Sequence[str]],
    *,
    bookmarks: Sequence[tuple[str, int]] = (),
    title: str = "",
    password: str = "",
) -> bytes:
    """Make a PDF of lines of ASCII; bookmarks name a page, counted from 0."""
    writer = PdfWriter()
    for lines in pages:
        _add_page(writer, _text_stream(lines))
    for text, page in bookmarks:
        writer.add_outline_item(title=text, page_number=page)
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password, algorithm="AES-256")
    return _written(writer)


def pdf_with_picture(lines: Sequence[str]) -> bytes:
    """Make a PDF of a page of text and one that is a picture."""
    writer = PdfWriter()
    _add_page(writer, _text_stream(lines))
    picture = DecodedStreamObject()
    picture.set_data(b"\x00")
    picture.update(
        {
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(1),
            NameObject("/Height"): NumberObject(1),
            NameObject("/ColorSpace"): NameObject("/DeviceGray"),
            NameObject("/BitsPerComponent"): NumberObject(8),
        }
    )
    scan = DecodedStreamObject()
    scan.set_data(b"/P Do")
    page = _add_page(writer, scan)
    shown = DictionaryObject({NameObject("/P"): picture})
    cast("DictionaryObject", page["/Resources"])[NameObject("/XObject")] = shown
    return _written(writer)


def pdf_bomb(mebibytes: int) -> bytes:
    """Make a PDF whose only page unpacks to so much."""
    stream = StreamObject()
    stream.set_data(zlib.compress(b"(word) Tj " * (mebibytes * 104_858), 9))
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    writer = PdfWriter()
    _add_page(writer, stream)
    return _written(writer)


def long_pdf(pages: int) -> bytes:
    """Make a PDF of so many empty pages."""
    kids = " ".join(f"{number} 0 R" for number in range(3, pages + 3))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>",
        *["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"] * pages,
    ]
    parts = ["%PDF-1.7\n"]
    places: list[int] = []
    position = len(parts[0])
    for number, content in enumerate(objects, start=1):
        places.append(position)
        parts.append(f"{number} 0 obj\n{content}\nendobj\n")
        position += len(parts[-1])
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    parts.append(
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Root 1 0 R /Size {len(objects) + 1} >>\nstartxref\n{position}\n%%EOF\n"
    )
    return "".join(parts).encode("ascii")


def circular_pdf() -> bytes:
    """Make a PDF whose tree of pages holds itself."""
    data = pdf([["One"]])
    return data.replace(b"/Type /Pages", b"/Type /Pages /Parent 1 0 R", 1).replace(
        b"/Kids [ 4 0 R ]", b"/Kids [ 1 0 R ]", 1
    )


def _add_page(writer: PdfWriter, content: StreamObject) -> PageObject:
    page = PageObject.create_blank_page(width=595, height=842)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
    )
    page[NameObject("/Contents")] = content
    return writer.add_page(page)


def _text_stream(lines: Sequence[str]) -> DecodedStreamObject:
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    stream = DecodedStreamObject()
    stream.set_data(f"BT /F1 12 Tf 14 TL 72 770 Td {shown} ET".encode("ascii"))
    return stream


def _written(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def docx(body: str, parts: Mapping[str, str] | None = None) -> bytes:
    """Make a Word file of the XML between `<w:body>` and `</w:body>`."""
    document = (
        f'<?xml version="1.0"?><w:document xmlns:w="{_WORD}" xmlns:r="{_OFFICE}">'
        f"<w:body>{body}</w:body></w:document>"
    )
    return archive(
        {
            "[Content_Types].xml": "<Types xmlns="
            '"http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" '
            f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": document,
            "word/styles.xml": _styles(),
            **(parts or {}),
        }
    )


def docx_relations(*targets: tuple[str, str]) -> str:
    """Render relations of a Word document to places outside, as `(type, address)`."""
    relations = "".join(
        f'<Relationship Id="x{number}" Type="{_OFFICE}/{kind}" Target="{target}" '
        'TargetMode="External"/>'
        for number, (kind, target) in enumerate(targets)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>'


def paragraph(text: str, style: str = "") -> str:
    """Render a paragraph of a Word document."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """Render a table of a Word document."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def _styles() -> str:
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{level}">'
        f'<w:name w:val="heading {level}"/></w:style>'
        for level in (1, 2)
    )
    return f'<?xml version="1.0"?><w:styles xmlns:w="{_WORD}">{styles}</w:styles>'


def pptx(slides: Sequence[tuple[str, Sequence[str]]]) -> bytes:
    """Make a presentation of slides with a title and a list."""
    presentation = Presentation()
    for title, lines in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        shapes = slide.shapes
        assert shapes.title is not None
        shapes.title.text_frame.text = title
        body: Any = slide.placeholders[1]
        body.text_frame.text = "\n".join(lines)
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Make a workbook of sheets with rows."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """Make a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return buffer.getvalue()
