"""Section `observability`: what the environment says to tracing."""

from collections.abc import Mapping

from pydantic import Field

from lightspeed_core.config.section import Section


class ObservabilityConfiguration(Section):
    """What the environment says to tracing."""

    otel: Mapping[str, str] = Field(
        default_factory=dict, description="The `OTEL_*` variables of the environment."
    )
