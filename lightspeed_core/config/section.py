"""What all sections of the configuration share. It knows no section."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, PositiveInt

HIGHEST_PORT = 65535


class Section(BaseModel):
    """A part of the configuration: immutable, and without keys that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def _check_port(port: int) -> int:
    if port > HIGHEST_PORT:
        raise ValueError("Port value should be less than 65536")
    return port


def _check_http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_http = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_http = False
    if not is_http:
        raise ValueError("URL must have the form http://host or https://host")
    return url


Port = Annotated[PositiveInt, AfterValidator(_check_port)]
HttpUrl = Annotated[str, AfterValidator(_check_http_url)]
