"""The stores of prompts. One truth for all workers."""

from collections.abc import Sequence
from typing import Protocol

from lightspeed_core.errors import Conflict, InvalidRequest
from lightspeed_core.prompts.models import SavedPrompt


class SavedPromptStore(Protocol):
    """Keeps users' prompts. Raises `StoreUnavailable` when the database does not answer."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def add(self, user_id: str, name: str, content: str, *, most: int) -> SavedPrompt:
        """Store a prompt, and return it as it is stored.

        Raises `InvalidRequest` when the user has `most` prompts already, and `Conflict` when one
        of them has that name; both hold for whatever other workers add at the same time.
        """
        ...

    async def find(self, prompt_id: str) -> SavedPrompt | None:
        """Return a prompt, or None."""
        ...

    async def list(self, user_id: str, *, limit: int) -> Sequence[SavedPrompt]:
        """Return a user's prompts, newest first, `limit` of them at most."""
        ...

    async def delete(self, prompt_id: str) -> bool:
        """Delete a prompt; false when there is none."""
        ...


def too_many_saved(existing: int, most: int) -> InvalidRequest:
    """Return the error of a user who has no room for another prompt."""
    return InvalidRequest(
        "Saved prompt limit exceeded",
        f"Saved prompt limit exceeded: {existing} existing prompts, maximum is {most}",
    )


def name_is_taken(name: str) -> Conflict:
    """Return the error of a user who has a prompt of that name."""
    return Conflict.of_name("saved prompt", name)
