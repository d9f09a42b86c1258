"""Reads CSV into a table and JSON and YAML into code; data is shown and never evaluated.

YAML is not parsed at all, so that its aliases cannot blow up.
"""

import csv
import json
from typing import Final

from lightspeed_core.ingest.parse.decoding import decode
from lightspeed_core.ingest.parse.markdown import fenced, table
from lightspeed_core.ingest.parse.reading import Reading, Unreadable, clean

_DELIMITERS: Final = ",;\t|"
_SAMPLE_LINES: Final = 20
# A line beyond this was not written for people and is laid out anew.
_LONGEST_LINE: Final = 500


def read_csv(data: bytes) -> Reading:
    """Read rows whose first one is the header. Raises `Unreadable` for what holds no rows."""
    return _read_rows(clean(decode(data)), None)


def read_tsv(data: bytes) -> Reading:
    """Read rows that are separated by tabs."""
    return _read_rows(clean(decode(data)), "\t")


def read_json(data: bytes) -> Reading:
    """Read JSON or lines of JSON; what is neither is shown as it is."""
    text = clean(decode(data)).strip("\n")
    if any(len(line) > _LONGEST_LINE for line in text.split("\n")):
        text = _laid_out(text)
    return Reading(text=f"{fenced(text, 'json')}\n" if text else "")


def read_yaml(data: bytes) -> Reading:
    """Show YAML as it is."""
    text = clean(decode(data)).strip("\n")
    return Reading(text=f"{fenced(text, 'yaml')}\n" if text else "")


def _read_rows(text: str, delimiter: str | None) -> Reading:
    lines = text.split("\n")
    csv.field_size_limit(max(len(text), 1))
    rows = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter or _delimiter(lines))
    try:
        rendered = table(rows)
    except csv.Error as error:
        raise Unreadable(f"is no table in line {rows.line_num}: {error}") from error
    return Reading(text=f"{rendered}\n" if rendered else "")


def _delimiter(lines: list[str]) -> str:
    """Take the sign that the first line has, and most others as often; the most frequent one."""
    head, *others = [line for line in lines[:_SAMPLE_LINES] if line.strip()] or [""]

    def rank(sign: str) -> tuple[int, int]:
        count = head.count(sign)
        return (sum(line.count(sign) >= count for line in others) if count else -1, count)

    return max(_DELIMITERS, key=rank)


def _laid_out(text: str) -> str:
    """Lay JSON out in lines. Repeated keys would be lost, so such text stays as it is."""
    try:
        document = json.loads(text, object_pairs_hook=_unique)
        return json.dumps(document, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found
