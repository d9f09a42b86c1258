"""What callers may do with saved prompts: with their own, within the configured limits."""

from collections.abc import Sequence
from typing import Final

from lightspeed_core.config.limits import SavedPromptsConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, InvalidRequest
from lightspeed_core.prompts.models import SavedPrompt
from lightspeed_core.prompts.store import SavedPromptStore

_LISTED: Final = 200


class SavedPrompts:
    """Saved prompts as one caller sees them."""

    def __init__(self, store: SavedPromptStore, limits: SavedPromptsConfiguration) -> None:
        self._store = store
        self.limits = limits

    async def list(self, caller: Identity) -> Sequence[SavedPrompt]:
        """Return the caller's prompts, newest first, 200 of them at most."""
        return await self._store.list(caller.user_id, limit=_LISTED)

    async def add(self, caller: Identity, name: str, content: str) -> SavedPrompt:
        """Save a prompt; its name is trimmed, its content kept as it is.

        Raises `InvalidRequest` for an empty or too long text and for one prompt too many, and
        `Conflict` when the caller has a prompt of that name.
        """
        name = name.strip()
        _check_length("name", name, self.limits.max_display_name_length)
        _check_length("content", content, self.limits.max_content_length)
        most = self.limits.max_prompts_per_user
        return await self._store.add(caller.user_id, name, content, most=most)

    async def delete(self, caller: Identity, prompt_id: str) -> bool:
        """Delete a prompt; false when there is none. Raises `Forbidden` when it is another's."""
        prompt = await self._store.find(prompt_id)
        if prompt is None:
            return False
        if prompt.user_id != caller.user_id:
            raise Forbidden(
                "User does not have permission to perform this action",
                f"User {caller.user_id} does not have permission to delete saved prompt with ID "
                f"{prompt_id}",
            )
        return await self._store.delete(prompt_id)


def _check_length(part: str, text: str, longest: int) -> None:
    if not text:
        cause = f"Saved prompt {part} must not be empty"
    elif len(text) > longest:
        cause = f"Saved prompt {part} length {len(text)} exceeds maximum {longest}"
    else:
        return
    raise InvalidRequest("Invalid attribute value", cause)
