"""Questions about the sections themselves: which keys are known at a place."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAliasType, get_args

from lightspeed_core.config.section import Section


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
    return list(dict.fromkeys(key for section in sections for key in section.model_fields))
