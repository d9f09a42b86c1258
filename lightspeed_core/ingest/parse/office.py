"""Reads Word, PowerPoint and Excel files; needs the extra `documents`.

The text alone is read: no macro, formula, link or picture of a file is followed.
"""

import importlib
import io
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.ingest.parse.markdown import MarkdownWriter
from lightspeed_core.ingest.parse.markup import read_markup
from lightspeed_core.ingest.parse.reading import (
    Reading,
    Unreadable,
    clean,
    join_pages,
    one_line,
)

_MOST_PARTS: Final = 20_000
# What is unpacked becomes a tree several times its size.
_SHARE_OF_MEMORY: Final = 0.125
_PLAIN_PARTS: Final = (".xml", ".rels")
_MIB: Final = 1024 * 1024
_PPTX_DEFAULT: Final = "PowerPoint Presentation"


def read_docx(data: bytes, limits: ParseLimits) -> Reading:
    """Read a Word file by way of HTML, which has headings, lists and tables."""
    _check_archive(data, limits)
    mammoth = _library("mammoth")
    converted = mammoth.convert_to_html(
        io.BytesIO(data),
        convert_image=mammoth.images.img_element(_no_picture),
        external_file_access=False,
    )
    return read_markup(converted.value)


def read_pptx(data: bytes, limits: ParseLimits) -> Reading:
    """Read a presentation; a slide is a page that begins with its title as a heading."""
    _check_archive(data, limits)
    presentation = _library("pptx").Presentation(io.BytesIO(data))
    count = len(presentation.slides)
    if count > limits.pages:
        raise Unreadable(f"has {count:,} slides, more than the limit of {limits.pages:,}")
    text, pages = join_pages([_slide_text(slide) for slide in presentation.slides])
    return Reading(
        text=text, title=_title(presentation.core_properties.title, _PPTX_DEFAULT), pages=pages
    )


def read_xlsx(data: bytes, limits: ParseLimits) -> Reading:
    """Read a workbook; a sheet is a heading with a table. Formulas give their last value."""
    _check_archive(data, limits)
    workbook = _library("openpyxl").load_workbook(
        io.BytesIO(data), read_only=True, data_only=True, keep_links=False
    )
    writer = MarkdownWriter()
    room = limits.characters
    for sheet in workbook.worksheets:
        rows: list[list[str]] = []
        for row in _rows(sheet):
            room -= sum(len(cell) for cell in row)
            if room < 0:
                raise Unreadable(
                    f"holds more text than the limit of {limits.characters:,} characters"
                )
            rows.append(row)
        if rows:
            writer.heading(1, sheet.title)
            writer.table(rows)
    return Reading(text=clean(writer.text), title=_title(workbook.properties.title))


def _check_archive(data: bytes, limits: ParseLimits) -> None:
    """Refuse a bomb by what its directory announces; no more than that is ever unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    if len(parts) > _MOST_PARTS:
        raise Unreadable(f"has {len(parts):,} parts, more than the limit of {_MOST_PARTS:,}")
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("is encrypted; save it without a password")
    unpacked = sum(part.file_size for part in parts if part.filename.endswith(_PLAIN_PARTS))
    most = int(limits.memory_mib * _MIB * _SHARE_OF_MEMORY)
    if unpacked > most or sum(part.file_size for part in parts) > limits.memory_mib * _MIB:
        raise Unreadable(
            f"unpacks to more than is read with {limits.memory_mib} MiB of memory "
            f"({unpacked // _MIB:,} MiB of text, at most {most // _MIB:,} MiB)"
        )


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise Unreadable(
            "is an Office file; install the extra: pip install 'lightspeed-stack[documents]'"
        ) from error


def _no_picture(_: object) -> dict[str, str]:
    return {}


def _title(title: str | None, default: str = "") -> str | None:
    found = one_line(title or "")
    return found if found and found != default else None


def _slide_text(slide: Any) -> str:
    writer = MarkdownWriter()
    title = slide.shapes.title
    if title is not None:
        writer.heading(1, title.text_frame.text)
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape.has_text_frame:
            _write_paragraphs(writer, shape.text_frame)
        elif shape.has_table:
            cells = [[cell.text for cell in row.cells] for row in shape.table.rows]
            writer.table(cells)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        writer.paragraph(slide.notes_slide.notes_text_frame.text)
    return clean(writer.text)


def _shapes(shapes: Any) -> Iterator[Any]:
    """Give the shapes of a slide, those in groups too, in their order."""
    pending = list(shapes)[::-1]
    while pending:
        shape = pending.pop()
        if hasattr(shape, "shapes"):
            pending += list(shape.shapes)[::-1]
        else:
            yield shape


def _write_paragraphs(writer: MarkdownWriter, frame: Any) -> None:
    paragraphs = [paragraph for paragraph in frame.paragraphs if paragraph.text.strip()]
    for paragraph in paragraphs:
        if len(paragraphs) == 1:
            writer.paragraph(paragraph.text)
        else:
            writer.entry("-", paragraph.level, paragraph.text)


def _rows(sheet: Any) -> Iterator[list[str]]:
    """Give the rows that hold something, without the empty cells at their end."""
    # What a file says of its own size is often wrong.
    sheet.reset_dimensions()
    for values in sheet.iter_rows(values_only=True):
        row = ["" if value is None else str(value) for value in values]
        while row and not row[-1].strip():
            row.pop()
        if row:
            yield row
