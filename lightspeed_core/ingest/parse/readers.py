"""Which reader serves which media type; a reader's libraries are imported when it is needed."""

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.ingest.outline import first_heading
from lightspeed_core.ingest.parse import kinds
from lightspeed_core.ingest.parse.decoding import decode
from lightspeed_core.ingest.parse.reading import Reading, Unreadable, clean


def read(name: str, data: bytes, limits: ParseLimits) -> tuple[str, Reading]:
    """Read a file; gives its media type with its text.

    Raises `Unreadable`, and over a broken file whatever the libraries raise.
    """
    if not data.strip(b"\x00\t\n\f\r "):
        raise Unreadable("is empty")
    kind = kinds.kind_of(name, data)
    found = _read_kind(kind, data, limits)
    if not found.text.strip():
        raise Unreadable("holds no text")
    if len(found.text) > limits.characters:
        raise Unreadable(
            f"holds {len(found.text):,} characters of text, "
            f"more than the limit of {limits.characters:,}"
        )
    return kind, found


def _read_kind(kind: str, data: bytes, limits: ParseLimits) -> Reading:
    match kind:
        case kinds.MARKDOWN:
            text = clean(decode(data))
            return Reading(text=text, title=first_heading(text))
        case kinds.PLAIN:
            return Reading(text=clean(decode(data)))
        case kinds.HTML:
            from lightspeed_core.ingest.parse.markup import read_html

            return read_html(data)
        case kinds.PDF:
            from lightspeed_core.ingest.parse.pdf import read_pdf

            return read_pdf(data, limits)
        case kinds.DOCX | kinds.PPTX | kinds.XLSX:
            return _read_office(kind, data, limits)
        case _:
            return _read_text(kind, data)


def _read_text(kind: str, data: bytes) -> Reading:
    from lightspeed_core.ingest.parse import data as tabular
    from lightspeed_core.ingest.parse import text_markup

    by_kind = {
        kinds.RST: text_markup.read_rst,
        kinds.ASCIIDOC: text_markup.read_asciidoc,
        kinds.CSV: tabular.read_csv,
        kinds.TSV: tabular.read_tsv,
        kinds.JSON: tabular.read_json,
        kinds.YAML: tabular.read_yaml,
    }
    return by_kind[kind](data)


def _read_office(kind: str, data: bytes, limits: ParseLimits) -> Reading:
    from lightspeed_core.ingest.parse import office

    by_kind = {
        kinds.DOCX: office.read_docx,
        kinds.PPTX: office.read_pptx,
        kinds.XLSX: office.read_xlsx,
    }
    return by_kind[kind](data, limits)
