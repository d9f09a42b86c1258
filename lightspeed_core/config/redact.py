"""The configuration without its secrets, for files and answers that others may read."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from lightspeed_core.config.place import is_list, is_mapping
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.section import Section

MASK = "**********"
OTEL_MASK = "[REDACTED]"

_TELLING_WORDS = (
    "pass(?:word|wd|phrase)|secret|token|credential|api_?key|private_?key|authorization|bearer"
)
_SECRET_WORD = re.compile(_TELLING_WORDS, re.IGNORECASE)
_OTEL_SECRET = re.compile(r"HEADERS|CERTIFICATE|CLIENT_KEY|SECRET")
_URL_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_URL_SECRETS = re.compile(rf"([?&][^=&#\s]*(?:{_TELLING_WORDS})[^=&#\s]*=)[^&#\s]+", re.IGNORECASE)


def dump_configuration(configuration: Configuration) -> dict[str, Any]:
    """Return the configuration as values that JSON knows, secrets masked."""
    dumped = configuration.model_dump(mode="json")
    masked: dict[str, Any] = _mask(dumped)
    otel: Mapping[str, str] = configuration.observability.otel
    masked["observability"] = {
        "otel": {
            name: OTEL_MASK if _OTEL_SECRET.search(name) else value for name, value in otel.items()
        }
    }
    return masked


def _mask(value: Any) -> Any:
    if is_mapping(value):
        return {
            key: MASK if isinstance(item, str) and is_secret_key(str(key)) else _mask(item)
            for key, item in value.items()
        }
    if is_list(value):
        return [_mask(item) for item in value]
    if isinstance(value, str):
        return mask_url(value)
    return value


def mask_url(text: str) -> str:
    """Hide the user name and password of a URL, and what its query has of keys."""
    return _URL_SECRETS.sub(rf"\1{MASK}", _URL_CREDENTIALS.sub(MASK, text))


def is_secret_key(name: str) -> bool:
    """Say whether what stands under this key must not be shown.

    Our own keys say so by their type; of others, such as providers' settings, the name decides.
    """
    secret = _own_keys().get(name)
    if secret is not None:
        return secret
    secret_keys = [key for key, is_secret in _own_keys().items() if is_secret]
    misspelt = get_close_matches(name, secret_keys, n=1, cutoff=0.8)
    return bool(misspelt or _SECRET_WORD.search(name))


@cache
def _own_keys() -> Mapping[str, bool]:
    keys: dict[str, bool] = {}
    for section in Section.__subclasses__():
        for name, field in section.model_fields.items():
            keys[name] = keys.get(name, False) or "SecretStr" in str(field.annotation)
    return keys
