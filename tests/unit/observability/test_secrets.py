"""What looks like a key is masked, what does not is left alone."""

import io
import logging

import pytest

from lightspeed_core.observability.logging import LineFormatter
from lightspeed_core.observability.secrets import mask_secrets

SECRETS = (
    "sk-proj-abcDEF123456",
    "gsk_0123456789abcdef",
    "hf_abcdefghijklmnop",
    "AIzaSyA0123456789abcdefghijklmno",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", ["Incorrect API key provided: {}.", '{{"key": "{}"}}', "{}"])
def test_a_key_is_masked_wherever_it_stands(secret: str, text: str) -> None:
    assert mask_secrets(text.format(secret).replace(secret, "***")) == mask_secrets(
        text.format(secret)
    )
    assert secret not in mask_secrets(text.format(secret))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc123def456", "Authorization: Bearer ***"),
        ("postgres://x?password=hunter22&a=b", "postgres://x?password=***&a=b"),
        ("api_key=0123abcd, next", "api_key=***, next"),
    ],
)
def test_what_its_name_announces_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "No token found in Authorization header",
        "turn recorded turn_id=9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11 tokens=42",
        "Bearer authentication is needed",
        "model openai/gpt-4o-mini answered",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert mask_secrets(text) == text


def test_no_key_reaches_the_log() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(is_colored=False))
    logger = logging.getLogger("tests.secrets")
    logger.addHandler(handler)
    try:
        int(SECRETS[0])
    except ValueError:
        logger.exception("call failed key=%s", SECRETS[1])
    finally:
        logger.removeHandler(handler)
    assert "call failed key=***" in stream.getvalue()
    assert "invalid literal for int() with base 10: '***'" in stream.getvalue()
