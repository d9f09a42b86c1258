"""Section `service.tls_config`: what an HTTPS listener shows and accepts."""

from enum import StrEnum
from typing import Final, Self

from pydantic import Field, FilePath, SecretStr, model_validator

from lightspeed_core.config.section import Section


class TLSProfile(StrEnum):
    """Which clients are served, after Mozilla's server side TLS guidelines."""

    MODERN = "modern"
    INTERMEDIATE = "intermediate"
    OLD = "old"
    CUSTOM = "custom"


class TLSVersionName(StrEnum):
    """Versions of TLS, as OpenSSL names them."""

    TLS_1_0 = "TLSv1"
    TLS_1_1 = "TLSv1.1"
    TLS_1_2 = "TLSv1.2"
    TLS_1_3 = "TLSv1.3"


_ORDER: Final = tuple(TLSVersionName)
LEAST_VERSIONS: Final = {
    TLSProfile.MODERN: TLSVersionName.TLS_1_3,
    TLSProfile.INTERMEDIATE: TLSVersionName.TLS_1_2,
    TLSProfile.OLD: TLSVersionName.TLS_1_0,
    TLSProfile.CUSTOM: TLSVersionName.TLS_1_2,
}
"""The oldest version of each profile, where `min_version` is not set."""


class TLSConfiguration(Section):
    """Certificate and key of an HTTPS listener, and what it accepts of clients."""

    tls_certificate_path: FilePath | None = Field(default=None, description="Certificate, PEM.")
    tls_key_path: FilePath | None = Field(default=None, description="Private key, PEM.")
    tls_key_password: SecretStr | None = Field(
        default=None,
        description="File that holds the password of the private key, or the password itself.",
    )
    profile: TLSProfile = Field(
        default=TLSProfile.INTERMEDIATE,
        description="Versions and ciphers: TLS 1.3 alone, 1.2 and later, whatever is old, or own.",
    )
    min_version: TLSVersionName | None = Field(
        default=None, description="Oldest version of TLS; without it, that of the profile."
    )
    ciphers: tuple[str, ...] = Field(
        default=(), description="Ciphers up to TLS 1.2 for profile `custom`, in OpenSSL's names."
    )
    client_ca_path: FilePath | None = Field(
        default=None, description="CA certificates, PEM: only clients that one of them vouches for."
    )

    @property
    def least_version(self) -> TLSVersionName:
        """The oldest version of TLS that is spoken."""
        return self.min_version or LEAST_VERSIONS[self.profile]

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if self.tls_key_path is not None and self.tls_certificate_path is None:
            raise ValueError("tls_certificate_path is required when tls_key_path is set")
        if self.client_ca_path is not None and self.tls_certificate_path is None:
            raise ValueError("tls_certificate_path is required when client_ca_path is set")
        return self

    @model_validator(mode="after")
    def _check_profile(self) -> Self:
        if (self.profile is TLSProfile.CUSTOM) != bool(self.ciphers):
            raise ValueError("profile custom and a list of ciphers belong together")
        least = LEAST_VERSIONS[self.profile]
        is_custom = self.profile is TLSProfile.CUSTOM
        if not is_custom and _ORDER.index(self.least_version) < _ORDER.index(least):
            raise ValueError(f"min_version of profile {self.profile} must not be below {least}")
        return self
