"""Configuration of the provider, as it stands under `config:` in run.yaml.

Environment substitution retypes values (a key of digits becomes a number) and turns empty ones into
null; both are accepted wherever they can come from a variable.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from lightspeed_stack_providers.tls import client_context

ENDPOINT_PATHS = ("/chat/completions", "/completions", "/embeddings", "/models")


def _text(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    # A key that was read from a file often ends with a line break.
    return value.strip() if isinstance(value, str) else value


def _names(value: object) -> object:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return value
    return [name.strip() for name in str(value).split(",") if name.strip()]


def _dimensions(value: object) -> object:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    pairs = (entry.partition("=") for entry in str(value).split(",") if entry.strip())
    return {name.strip(): dimension.strip() for name, _, dimension in pairs}


Secret = Annotated[SecretStr, BeforeValidator(_text)]


class OpenAICompatibleConfig(BaseModel):
    """An endpoint and how to speak to it; times are in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        description="Where `/chat/completions` is appended, such as https://api.openai.com/v1."
    )
    api_key: Secret | None = Field(default=None, description="Sent as a Bearer token.")
    headers: dict[str, Secret] = Field(
        default_factory=dict, description="Further headers of every request."
    )
    models: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        default=(),
        description="Chat models, a list or comma-separated; listed first, without asking.",
    )
    embedding_models: Annotated[dict[str, int], BeforeValidator(_dimensions)] = Field(
        default_factory=dict,
        description="Embedding models and their dimensions, a mapping or `name=1536,other=768`.",
    )
    discover_models: bool = Field(
        default=True, description="Also list the chat models that `GET /models` names."
    )
    connect_timeout: float = Field(default=5, gt=0, description="For opening a connection.")
    idle_timeout: float = Field(
        default=120, gt=0, description="Longest silence, before the first byte and between reads."
    )
    total_timeout: float | None = Field(
        default=None, gt=0, description="For a whole answer; none by default."
    )
    max_retries: int = Field(
        default=2, ge=0, le=10, description="Further attempts while nothing was received."
    )
    max_retry_wait: float = Field(
        default=5, ge=0, description="All waiting between attempts together."
    )
    tls_verify: bool = Field(default=True, description="Whether certificates are checked.")
    tls_ca_file: str | None = Field(
        default=None, description="PEM file of the authorities to trust instead of the system's."
    )

    tls_client_cert: str | None = Field(
        default=None, description="PEM file of the certificate shown to an endpoint that asks."
    )
    tls_client_key: str | None = Field(
        default=None, description="PEM file of its key, unless the certificate's file holds it."
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{value!r} is no address; right would be http://HOST:PORT/v1")
        if parts.query or parts.fragment:
            raise ValueError(f"{value!r} must end with its path, such as {_bare(value)}")
        trimmed = value.rstrip("/")
        for path in ENDPOINT_PATHS:
            if trimmed.endswith(path):
                right = trimmed.removesuffix(path)
                raise ValueError(f"{value!r} names one operation; right would be {right}")
        return trimmed

    @field_validator("tls_ca_file", "tls_client_cert", "tls_client_key")
    @classmethod
    def _is_a_file(cls, value: str | None) -> str | None:
        if value is not None and not Path(value).is_file():
            raise ValueError(f"{value!r} is no file; right would be a PEM file")
        return value

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.tls_client_key is not None and self.tls_client_cert is None:
            raise ValueError("tls_client_key has no tls_client_cert, whose key it would be")
        self.tls_context()
        return self

    def tls_context(self) -> bool | ssl.SSLContext:
        """Load the TLS files, as aiohttp takes them; raises `ValueError` naming one of no use."""
        if self.tls_verify and self.tls_ca_file is None and self.tls_client_cert is None:
            return True
        context = client_context(
            authorities=_path(self.tls_ca_file),
            is_alone=True,
            certificate=_path(self.tls_client_cert),
            key=_path(self.tls_client_key),
        )
        if not self.tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _path(file: str | None) -> Path | None:
    return None if file is None else Path(file)


def _bare(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]
