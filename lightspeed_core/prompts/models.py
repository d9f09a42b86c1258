"""What the prompt stores keep. Knows neither databases nor callers."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPrompt:
    """A prompt that a user saved under a name of their own."""

    prompt_id: str
    user_id: str
    name: str
    content: str
    created_at: datetime
    updated_at: datetime
