"""What outgoing requests are told of the configuration."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundSettings:
    """`allowed_private` lists host names, `*.domain`, addresses and networks as text.

    `ca_bundle` is trusted besides the system's authorities; certificate and key are shown to
    servers that ask for them. All are PEM files.
    """

    allowed_private: tuple[str, ...] = ()
    ca_bundle: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    client_key_password: str = field(default="", repr=False)
