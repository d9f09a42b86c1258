"""Section `authentication`: who the caller is."""

from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    model_validator,
)

from lightspeed_core.config.role_rules import JwtRoleRule
from lightspeed_core.config.section import HttpUrl, Section

ASYMMETRIC_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448"),
)
SYMMETRIC_ALGORITHMS: Final = ("HS256", "HS384", "HS512")


class AuthenticationModule(StrEnum):
    """The ways to learn who the caller is."""

    NOOP = "noop"
    NOOP_WITH_BEARER = "noop-with-token"
    API_KEY = "api-key-token"
    JWK = "jwk-token"
    K8S = "k8s"
    RH_IDENTITY = "rh-identity"
    TRUSTED_PROXY = "trusted-proxy"


def _known_algorithm(name: str) -> str:
    names = (*ASYMMETRIC_ALGORITHMS, *SYMMETRIC_ALGORITHMS)
    if name not in names:
        raise ValueError(
            f"Unsupported signature algorithm '{name}'. Supported algorithms: {', '.join(names)}"
        )
    return name


Algorithm = Annotated[str, AfterValidator(_known_algorithm)]


class JwtConfiguration(Section):
    """What is read from a token, and what it must fulfil."""

    user_id_claim: str = Field(default="user_id", description="Claim that holds the user's id.")
    username_claim: str = Field(default="username", description="Claim that holds the user's name.")
    role_rules: tuple[JwtRoleRule, ...] = Field(default=(), description="Rules that give roles.")
    algorithms: tuple[Algorithm, ...] | None = Field(
        default=None,
        min_length=1,
        description="Signature algorithms that are accepted; unset: the key's own, if asymmetric.",
    )
    issuer: str | None = Field(default=None, description="Required `iss`; unset: not checked.")
    audience: str | None = Field(default=None, description="Required `aud`; unset: not checked.")
    leeway: NonNegativeInt = Field(
        default=0, description="Seconds of difference between clocks to allow."
    )
    token_types: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Allowed values of the header `typ`; unset: not checked.",
    )


class JwkConfiguration(Section):
    """The key server of `jwk-token`."""

    url: HttpUrl = Field(description="Address of the key set.")
    jwt_configuration: JwtConfiguration = Field(
        default=JwtConfiguration(), description="What is read from a token."
    )


class ApiKeyConfiguration(Section):
    """The key of `api-key-token`."""

    api_key: SecretStr = Field(min_length=1, description="The key that callers must send.")


class RHIdentityConfiguration(Section):
    """The header of `rh-identity`."""

    required_entitlements: tuple[str, ...] | None = Field(
        default=None, description="Entitlements that a caller must have, all of them."
    )
    max_header_size: PositiveInt = Field(
        default=8192, description="Longest header accepted, bytes."
    )


class ServiceAccount(Section):
    """A Kubernetes service account."""

    namespace: str = Field(min_length=1, description="Its namespace.")
    name: str = Field(min_length=1, description="Its name.")


class TrustedProxyConfiguration(Section):
    """The proxies of `trusted-proxy`."""

    user_header: str = Field(
        default="X-Forwarded-User",
        pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$",
        description="Header that names the user.",
    )
    allowed_service_accounts: tuple[ServiceAccount, ...] | None = Field(
        default=None,
        description="Proxies that are trusted; unset: any service account of the cluster.",
    )


def _known_module(value: Any) -> Any:
    names = [module.value for module in AuthenticationModule]
    if value not in names:
        raise ValueError(
            f"Unsupported authentication module '{value}'. Supported modules: {', '.join(names)}"
        )
    return value


class AuthenticationConfiguration(Section):
    """Who the caller is."""

    module: Annotated[AuthenticationModule, BeforeValidator(_known_module)] = Field(
        default=AuthenticationModule.NOOP,
        description="How the caller is known.",
    )
    skip_tls_verification: bool = Field(
        default=False, description="Trust any certificate of the Kubernetes API."
    )
    skip_for_health_probes: bool = Field(default=False, description="Probes need no credentials.")
    skip_for_metrics: bool = Field(default=False, description="`/metrics` needs no credentials.")
    k8s_cluster_api: HttpUrl | None = Field(
        default=None,
        description="Kubernetes API; unset: that of the pod, else of the kubeconfig.",
    )
    k8s_ca_cert_path: FilePath | None = Field(
        default=None, description="Certificates that it is trusted by, a PEM file."
    )
    jwk_config: JwkConfiguration | None = Field(default=None, description="For `jwk-token`.")
    api_key_config: ApiKeyConfiguration | None = Field(
        default=None, description="For `api-key-token`."
    )
    rh_identity_config: RHIdentityConfiguration | None = Field(
        default=None, description="For `rh-identity`."
    )
    trusted_proxy_config: TrustedProxyConfiguration | None = Field(
        default=None, description="For `trusted-proxy`."
    )

    @model_validator(mode="after")
    def _check_block(self) -> Self:
        missing = {
            AuthenticationModule.JWK: (
                self.jwk_config,
                "JWK configuration must be specified when using JWK token authentication",
            ),
            AuthenticationModule.RH_IDENTITY: (
                self.rh_identity_config,
                "RH Identity configuration must be specified when using RH Identity authentication",
            ),
            AuthenticationModule.API_KEY: (
                self.api_key_config,
                "API Key configuration section must be specified when using "
                "API Key token authentication",
            ),
            AuthenticationModule.TRUSTED_PROXY: (
                self.trusted_proxy_config,
                "Trusted proxy configuration must be specified when using "
                "trusted-proxy authentication",
            ),
        }
        block, message = missing.get(self.module, (self, ""))
        if block is None:
            raise ValueError(message)
        return self
