"""Decoding JSON that strangers send. It knows no schema.

A small text can be a large object: what is nested deeply or has very many values is refused
before anything is made of it.
"""

import re
from itertools import accumulate
from json import JSONDecodeError
from typing import Any, Final

import orjson

from lightspeed_core.config.service_limits import ServiceLimits

# A string to its closing quote, or to the end when it has none: every byte is looked at once.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OTHERS: Final = bytes(set(range(256)) - set(b"[]{},"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord(","): 0}


def decode_json(body: bytes, limits: ServiceLimits) -> Any:
    """Return what the body says.

    NaN, lone surrogates and bytes that are not UTF-8 are errors like any other that JSON has not.

    Raises:
        JSONDecodeError: It is not JSON, nested too deeply, or of too many values.
    """
    _check_structure(body, limits)
    return orjson.loads(body)


def _check_structure(body: bytes, limits: ServiceLimits) -> None:
    opened = body.count(b"[") + body.count(b"{")
    # Each value begins a container or follows a comma, so that this is an upper bound.
    if opened <= limits.max_json_depth and opened + body.count(b",") < limits.max_json_values:
        return
    structure = _STRING.sub(b"", body).translate(None, _OTHERS)
    values = structure.count(b"[") + structure.count(b"{") + structure.count(b",") + 1
    if values > limits.max_json_values:
        raise JSONDecodeError(f"More than {limits.max_json_values} values", "", 0)
    depth = max(accumulate(_STEPS[each] for each in structure), default=0)
    if depth > limits.max_json_depth:
        raise JSONDecodeError(f"Nested deeper than {limits.max_json_depth} levels", "", 0)
