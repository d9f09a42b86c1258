"""JSON that strangers send: what is nested too deeply, too much, or no JSON at all."""

from json import JSONDecodeError

import pytest

from lightspeed_core.api.json_body import decode_json
from lightspeed_core.config.service_limits import ServiceLimits

LIMITS = ServiceLimits(max_json_depth=5, max_json_values=50)

pytestmark = pytest.mark.attack(30)


@pytest.mark.parametrize(
    "body",
    [
        b"[[[[[1]]]]]",
        b'{"a": {"b": [{"c": []}]}}',
        b"[" + b"[],{}," * 10 + b"[[[[]]]]]",
        b'"[[[[[[[[[["',
        b'["' + b"{[" * 40 + b'"]',
        rb'["\"[[[[[[[[[", "\\", "[[[[[[["]',
        b'["' + b"," * 500 + b'"]',
        b"[" + b"1," * 48 + b"1]",
    ],
)
def test_what_is_within_the_limits_is_decoded(body: bytes) -> None:
    assert decode_json(body, LIMITS) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"[[[[[[1]]]]]]",
        b'{"a":' * 6 + b"1" + b"}" * 6,
        b"[" + b"[]," * 10 + b"[[[[[]]]]]]",
        rb'["\\", [[[[[1]]]]]]',
        b'["]]]]]]]]", [[[[[1]]]]]]',
        b"[" * 10_000 + b"]" * 10_000,
        b"[" * 10_000,
    ],
)
def test_what_is_nested_too_deeply_is_refused(body: bytes) -> None:
    with pytest.raises(JSONDecodeError):
        decode_json(body, LIMITS)


@pytest.mark.parametrize(
    "body", [b"[" + b"1," * 50 + b"1]", b"[" + b"[]," * 49 + b"[]]", b"{" + b'"a":1,' * 50 + b"}"]
)
def test_more_values_than_allowed_are_refused(body: bytes) -> None:
    with pytest.raises(JSONDecodeError, match="More than 50 values"):
        decode_json(body, LIMITS)


@pytest.mark.parametrize(
    "body",
    [
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        rb'"\ud800"',
        rb'{"\udfff": 1}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\x00"',
        b"",
        b"{",
        b'{"a": 1}}',
        b"[1,]",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(JSONDecodeError):
        decode_json(body, LIMITS)


def test_a_string_without_an_end_is_looked_at_once() -> None:
    # Looked at anew from each quote, this would take hours.
    with pytest.raises(JSONDecodeError):
        decode_json(b"[" * 6 + b'"' + rb"\"" * 1_000_000, LIMITS)
