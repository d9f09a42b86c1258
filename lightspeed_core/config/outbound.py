"""Section `outbound`: what leaves the process over HTTP."""

import re
from ipaddress import ip_network
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, FilePath, model_validator

from lightspeed_core.config.section import Section
from lightspeed_stack_providers.tls import client_context

_HOST: Final = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_NUMBERS: Final = re.compile(r"[0-9.]+")


def _check_place(entry: str) -> str:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        if not _HOST.fullmatch(entry) or _NUMBERS.fullmatch(entry):
            raise ValueError(
                f"{entry!r} is no host name, *.domain, address or network; right would be "
                "tools.internal, *.internal, 10.1.2.3 or 10.1.0.0/16"
            ) from None
    return entry


class OutboundConfiguration(Section):
    """What leaves the process over HTTP, besides the requests of Llama Stack's providers."""

    allowed_private: tuple[Annotated[str, AfterValidator(_check_place)], ...] = Field(
        default=(),
        description="Places that are not on the public internet and may be asked although their "
        "address came from a request: host names, `*.domain`, addresses, networks.",
    )
    ca_bundle: FilePath | None = Field(
        default=None,
        description="Certificate authorities to trust besides the system's, PEM file.",
    )
    client_certificate: FilePath | None = Field(
        default=None, description="Certificate shown to servers that ask for one, PEM file."
    )
    client_key: FilePath | None = Field(
        default=None, description="Its key, PEM file, unless the certificate's file holds it."
    )
    client_key_password: FilePath | None = Field(
        default=None, description="File that holds the password of the key."
    )

    @property
    def password(self) -> str:
        """The password of the key, as it stands in its file; empty without one."""
        file = self.client_key_password
        return file.read_text(encoding="utf-8").strip() if file else ""

    @model_validator(mode="after")
    def _check_files(self) -> Self:
        if self.client_certificate is None and (self.client_key or self.client_key_password):
            raise ValueError("client_certificate is required when client_key is set")
        if self.ca_bundle or self.client_certificate:
            client_context(
                authorities=self.ca_bundle,
                certificate=self.client_certificate,
                key=self.client_key,
                password=self.password,
            )
        return self
