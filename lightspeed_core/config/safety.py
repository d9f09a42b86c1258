"""Section `safety`: how shields run, and what becomes of a text that one could not check."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from lightspeed_core.config.section import Section


class FailureMode(StrEnum):
    """What becomes of a text that a shield could not check."""

    CLOSED = "closed"
    OPEN = "open"


class SafetyConfiguration(Section):
    """How the shields of `shields` and of `run.yaml` run."""

    on_failure: FailureMode = Field(
        default=FailureMode.CLOSED,
        description="What becomes of a question or a document when a shield fails: `closed` "
        "refuses the question and leaves the document out, `open` lets it through with a warning.",
    )
    on_answer_failure: FailureMode = Field(
        default=FailureMode.CLOSED, description="The same for answers."
    )
    on_failure_of: Mapping[str, FailureMode] = Field(
        default_factory=dict, description="Another choice for single shields, by name."
    )
    failure_response: str | None = Field(
        default=None, description="What is answered when a shield failed and refuses."
    )
    timeout_seconds: PositiveFloat = Field(default=30.0, description="How long one check may take.")
    window_sentences: PositiveInt = Field(
        default=2, description="How many sentences of an answer are checked, and leave, together."
    )
    window_characters: int = Field(
        default=2000,
        ge=200,
        description="When a window of an answer ends that has no end of a sentence.",
    )
    look_behind_characters: int = Field(
        default=400,
        ge=0,
        description="How much of what has left is shown to the shields again with the next window.",
    )
    original_for: tuple[Literal["store", "search"], ...] = Field(
        default=(),
        description="Where a question is used as it was asked though a shield rewrote it: `store` "
        "keeps it so in conversations and transcripts, and later turns tell it to the model; "
        "`search` searches documents for it.",
    )
