"""Section `service`: the listener, its processes and the life of a turn."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from lightspeed_core.config.addresses import HostName, Origin
from lightspeed_core.config.section import HttpUrl, Port, Section
from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.config.tls import TLSConfiguration


class OnDisconnect(StrEnum):
    """What becomes of a turn whose client went away."""

    CONTINUE = "continue"
    CANCEL = "cancel"


class CORSConfiguration(Section):
    """Which web pages of other origins may call the API."""

    allow_origins: tuple[str, ...] = Field(default=("*",), description="Origins, or `*` for all.")
    allow_credentials: bool = Field(default=False, description="Whether cookies may be sent.")
    allow_methods: tuple[str, ...] = Field(
        default=("*",), description="HTTP methods, or `*` for all."
    )
    allow_headers: tuple[str, ...] = Field(
        default=("*",), description="Request headers, or `*` for all."
    )

    @model_validator(mode="after")
    def _check_credentials(self) -> Self:
        if self.allow_credentials and "*" in self.allow_origins:
            raise ValueError(
                "Invalid CORS configuration: allow_credentials can not be set to true when "
                "allow origins contains the '*' wildcard."
                "Use explicit origins or disable credentials."
            )
        return self


def _check_root_path(path: str) -> str:
    if path and not path.startswith("/"):
        raise ValueError("root_path must start with '/'")
    if path.endswith("/"):
        raise ValueError("root_path must not end with '/'")
    return path


class ServiceConfiguration(Section):
    """The listener, its processes and the life of a turn."""

    host: str = Field(default="localhost", min_length=1, description="Address to listen on.")
    port: Port = Field(default=8080, description="TCP port to listen on.")
    auth_enabled: bool = Field(
        default=False, description="Has no effect; `authentication.module` decides."
    )
    workers: PositiveInt = Field(default=1, description="Number of server processes.")
    color_log: bool = Field(
        default=True, description="Whether log lines on a terminal are coloured."
    )
    access_log: bool = Field(default=True, description="Whether each request is logged.")
    tls_config: TLSConfiguration = Field(default=TLSConfiguration(), description="HTTPS settings.")
    cors: CORSConfiguration = Field(
        default=CORSConfiguration(), description="Cross-origin resource sharing."
    )
    allowed_hosts: tuple[HostName, ...] | None = Field(
        default=None,
        description="Names in the `Host` header that are answered. Unset: on a loopback address "
        "its names, `host` and that of `base_url`; elsewhere any.",
    )
    allowed_origins: tuple[Origin, ...] | None = Field(
        default=None,
        description="Origins of pages that may call, beside the service's own and those in "
        "`cors`. Unset: on a loopback address those of this machine; elsewhere any.",
    )
    hsts_seconds: NonNegativeInt = Field(
        default=31_536_000,
        description="How long browsers that came by HTTPS insist on it; 0 says nothing. Sent only "
        "where the service itself serves HTTPS, and not on a loopback address.",
    )
    base_url: HttpUrl | None = Field(default=None, description="Public address of the service.")
    root_path: Annotated[str, AfterValidator(_check_root_path)] = Field(
        default="", description="Path prefix under which a proxy publishes the service."
    )
    limits: ServiceLimits = Field(
        default=ServiceLimits(), description="What is taken from clients before it is refused."
    )
    on_disconnect: OnDisconnect = Field(
        default=OnDisconnect.CONTINUE, description="What becomes of a turn whose client went away."
    )
    drain_seconds: NonNegativeInt = Field(
        default=10, description="How long running turns may go on after a request to stop."
    )
    turn_wait_seconds: PositiveInt = Field(
        default=60, description="How long a turn waits for the turn before it in its conversation."
    )
    resume_seconds: PositiveInt = Field(
        default=600, description="How long after its end a stream can be resumed."
    )
    heartbeat_seconds: PositiveInt = Field(
        default=15, description="Silence on a stream after which a comment line is sent."
    )
    boot_wait_seconds: PositiveInt = Field(
        default=60, description="How long a request waits for the engine to boot."
    )
