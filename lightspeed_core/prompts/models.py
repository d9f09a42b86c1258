"""What the prompt stores keep. Knows neither databases nor callers."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptText:
    """A text with placeholders `{{ name }}`, and the names that may stand in them."""

    text: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One version of a prompt; versions are numbered from 1, and one of them is the default."""

    prompt_id: str
    version: int
    is_default: bool
    content: PromptText


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPrompt:
    """A prompt that a user saved under a name of their own."""

    prompt_id: str
    user_id: str
    name: str
    content: str
    created_at: datetime
    updated_at: datetime
