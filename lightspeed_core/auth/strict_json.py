"""JSON that says who somebody is, read so that it can be understood in one way only."""

import json
from typing import Any, NoReturn


def decode_strictly(text: bytes) -> Any:
    """Decode JSON in UTF-8; raises `ValueError`.

    Names that stand twice in an object, NaN and infinities, and nesting without end are refused
    (RFC 8259, 4: software disagrees on what names that repeat mean).
    """
    try:
        return json.loads(
            text.decode(), object_pairs_hook=_object_of, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
