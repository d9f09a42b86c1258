"""The configuration described for readers: a Markdown reference and a class diagram.

Both are made from the sections themselves, so that they cannot disagree with them.
"""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAliasType, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from lightspeed_core.config.place import dotted
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.schema import sections_in, written_fields
from lightspeed_core.config.section import Section
from lightspeed_core.config.start_warnings import NOT_SERVED

_UNSERVED: Final = frozenset(dotted(place) for place in NOT_SERVED)
_NAMES: Final[Mapping[type, str]] = {
    bool: "`true`, `false`",
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "secret text",
    Path: "file",
}
_INTRODUCTION: Final = """\
# Configuration

The service reads one YAML file: the one named with `-c`, else `lightspeed-stack.yaml` in the
working directory, else the shipped one. Unknown keys, keys that stand twice and values of the wrong
kind stop the start with exit code 2 and a line for each problem that names file, line, key, value
and what would be right.

A key that is *not served* is understood and has no effect: a file written for another version of
the product stays valid, and the start warns of each such key that is set.

In any value, `${env.NAME}` is replaced by the environment variable `NAME`, which must be set;
`${env.NAME:=value}` falls back to a value; `${env.NAME:+text}` gives the text only when the
variable is set. What was replaced is then read as a number, `true`, `false` or, when empty, as no
value; a key that wants a text gets the text as it stood. In `native_override`, `extra` of a
provider of models and `config` of a provider of vector stores nothing is replaced here: Llama Stack
reads them and does it itself. In keys that end in `_path`,
`shipped:NAME` is a file that comes with the product.

Everything that the service writes and for which no path is configured is in the data directory:
`LIGHTSPEED_DATA_DIR`, else `$XDG_DATA_HOME/lightspeed-stack`, else
`~/.local/share/lightspeed-stack`.

This page is generated from the sections in `lightspeed_core/config`.
"""


def render_reference() -> str:
    """Return the description of every key, in Markdown."""
    parts = [_INTRODUCTION]
    parts += [_render_section(key, section) for key, section in _sections()]
    return "\n".join(parts)


def _sections() -> Iterator[tuple[str, type[Section]]]:
    """Yield every section with its dotted key, each before those inside it."""
    waiting: list[tuple[str, type[Section]]] = [("", Configuration)]
    while waiting:
        key, section = waiting.pop(0)
        yield key, section
        inner = [
            (_inner_key(key, name, field), found)
            for name, field in written_fields(section).items()
            for found in sections_in(field.annotation)
        ]
        waiting = [*inner, *waiting]


def _inner_key(outer: str, name: str, field: FieldInfo) -> str:
    many = "[]" if "tuple[" in str(field.annotation) else ""
    return f"{outer}.{name}{many}" if outer else f"{name}{many}"


def _render_section(key: str, section: type[Section]) -> str:
    title = f"## `{key}`" if key else "## Top level"
    # What follows a docstring's first paragraph is meant for readers of the code.
    meaning = (section.__doc__ or "").partition("\n\n")[0]
    if _is_unserved(key):
        meaning += " *Not served.*"
    rows = [_render_key(key, name, field) for name, field in written_fields(section).items()]
    head = ("| Key | Type | Default | Meaning |", "| --- | --- | --- | --- |")
    return "\n".join((title, "", meaning, "", *head, *rows, ""))


def _render_key(section_key: str, name: str, field: FieldInfo) -> str:
    meaning = field.description or ""
    if not _is_unserved(section_key) and _is_unserved(_inner_key(section_key, name, field)):
        meaning += " *Not served.*"
    cells = (f"`{name}`", _show_type(field.annotation), _show_default(field), meaning)
    return f"| {' | '.join(cells)} |"


def _is_unserved(key: str) -> bool:
    parts = key.replace("[]", "").split(".")
    return any(".".join(parts[:length]) in _UNSERVED for length in range(1, len(parts) + 1))


def _show_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, Section) or value in ((), {}):
        return ""
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _show_type(annotation: Any) -> str:
    inside = get_args(annotation)
    match get_origin(annotation):
        case None:
            return _show_plain_type(annotation)
        case origin if origin is Literal:
            return ", ".join(f"`{value}`" for value in inside)
        case origin if origin is tuple:
            return f"list of {_show_type(inside[0])}"
        case origin if origin is Mapping:
            return "mapping"
        case origin if origin is Annotated:
            return _show_type(inside[0])
        case _:
            shown = [_show_type(each) for each in inside if each is not type(None)]
            return " or ".join(dict.fromkeys(shown))


def _show_plain_type(kind: Any) -> str:
    if kind in _NAMES:
        return _NAMES[kind]
    if isinstance(kind, TypeAliasType):
        return _show_type(kind.__value__)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(f"`{member.value}`" for member in kind)
    return "section" if next(sections_in(kind), None) else "any"


def render_diagram() -> str:
    """Return a class diagram of the sections, for PlantUML."""
    lines = ["@startuml", "hide methods", "left to right direction"]
    drawn: set[type[Section]] = set()
    for _, section in _sections():
        if section in drawn:
            continue
        drawn.add(section)
        lines += _draw(section)
    return "\n".join((*lines, "@enduml", ""))


def _draw(section: type[Section]) -> Iterator[str]:
    yield f"class {section.__name__} {{"
    for name, field in written_fields(section).items():
        yield f"  {name}: {_show_type(field.annotation).replace('`', '')}"
    yield "}"
    for name, field in written_fields(section).items():
        for found in sections_in(field.annotation):
            yield f"{section.__name__} --> {found.__name__} : {name}"
