"""Section `compaction`: what becomes of a conversation that outgrows the context window."""

from typing import Annotated

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt

from lightspeed_core.config.section import Section


def _check_ratio(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError("threshold_ratio must be between 0.0 and 1.0 (inclusive)")
    return value


class CompactionConfiguration(Section):
    """What becomes of a conversation that outgrows the context window."""

    enabled: bool = Field(default=False, description="Whether a model summarises the oldest turns.")
    threshold_ratio: Annotated[float, AfterValidator(_check_ratio)] = Field(
        default=0.7, description="Share of the context window that starts it."
    )
    token_floor: PositiveInt = Field(
        default=4096, description="Tokens below which it never starts."
    )
    buffer_turns: NonNegativeInt = Field(
        default=4, description="Latest turns that stay as they are."
    )
    buffer_max_ratio: float = Field(
        default=0.3, ge=0.0, le=1.0, description="Share of the context window that these may take."
    )
