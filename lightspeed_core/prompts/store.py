"""The stores of prompts. One truth for all workers."""

from collections.abc import Sequence
from typing import Protocol

from lightspeed_core.errors import Conflict, InvalidRequest, NotFound
from lightspeed_core.prompts.models import Prompt, PromptText, SavedPrompt


class PromptStore(Protocol):
    """Keeps prompts in versions. Raises `StoreUnavailable` when the database does not answer."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def create(self, content: PromptText) -> Prompt:
        """Store a new prompt, in version 1, which is the default."""
        ...

    async def revise(
        self, prompt_id: str, content: PromptText, *, current: int, set_as_default: bool
    ) -> Prompt:
        """Store the version that follows the newest one, which is `current`.

        Raises `NotFound` without such a prompt, and `Conflict` when its newest version is another;
        of several who revise the same version at once, one succeeds.
        """
        ...

    async def get(self, prompt_id: str, version: int | None = None) -> Prompt:
        """Return a version of a prompt, without a number the default; raises `NotFound`."""
        ...

    async def list(self) -> Sequence[Prompt]:
        """Return the default version of every prompt, the newest prompt first."""
        ...

    async def delete(self, prompt_id: str) -> bool:
        """Delete a prompt with all its versions; false when there is none."""
        ...


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


def no_such_prompt(prompt_id: str, version: int | None = None) -> NotFound:
    """Return the error of a prompt, or of a version of it, that does not exist."""
    named = prompt_id if version is None else f"{prompt_id} in version {version}"
    return NotFound("prompt", named)


def not_the_newest(prompt_id: str, *, version: int, newest: int) -> Conflict:
    """Return the error of a change that is based on an older version than the newest."""
    return Conflict(
        "Prompt version is not current",
        f"Version {version} of the prompt {prompt_id} cannot be revised: its newest version is "
        f"{newest}",
    )


def too_many_saved(existing: int, most: int) -> InvalidRequest:
    """Return the error of a user who has no room for another prompt."""
    return InvalidRequest(
        "Saved prompt limit exceeded",
        f"Saved prompt limit exceeded: {existing} existing prompts, maximum is {most}",
    )


def name_is_taken(name: str) -> Conflict:
    """Return the error of a user who has a prompt of that name."""
    return Conflict.of_name("saved prompt", name)
