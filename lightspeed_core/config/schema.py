"""Questions about the sections themselves: which keys may stand where."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAliasType, get_args

from pydantic.fields import FieldInfo

from lightspeed_core.config.section import Section

# Worked out while loading and never written in a file, by section.
DERIVED: Final = {
    "Configuration": "data_directory",
    "CustomizationConfiguration": "custom_profile",
}


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Yield the sections that a field of this type can hold."""
    if isinstance(annotation, TypeAliasType):
        yield from sections_in(annotation.__value__)
    elif isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    else:
        for argument in get_args(annotation):
            yield from sections_in(argument)


def known_keys(root: type[Section], place: Sequence[str | int]) -> list[str]:
    """Return the keys that may stand at a place, none where any may stand.

    Parts of the place that no section knows, such as indexes, are passed over.
    """
    sections = [root]
    for part in place:
        inner = [
            found
            for section in sections
            if part in section.model_fields
            for found in sections_in(section.model_fields[str(part)].annotation)
        ]
        sections = inner or sections
    return list(dict.fromkeys(key for section in sections for key in written_fields(section)))


def written_fields(section: type[Section]) -> Mapping[str, FieldInfo]:
    """Return the fields of a section that a file may hold."""
    derived = DERIVED.get(section.__name__)
    return {name: field for name, field in section.model_fields.items() if name != derived}
