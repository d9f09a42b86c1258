"""Feedback on answers: one file each, as long as the switch is on."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, InvalidRequest, NotFound, StorageFailed
from lightspeed_core.observability.notes import note
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.status import FeedbackStatusStore

logger = logging.getLogger(__name__)

type OwnerOf = Callable[[str], Awaitable[str | None]]
"""Returns the user to whom a conversation belongs, or None when there is no such conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a user says of an answer; `sentiment` is -1 or 1. The file keeps this order."""

    conversation_id: str
    user_question: str
    llm_response: str
    sentiment: int | None = None
    user_feedback: str | None = None
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """The switch was set."""

    previous: bool
    updated: bool
    at: datetime


class FeedbackCollector:
    """Takes feedback and writes it to `directory`; without one it can never be switched on."""

    def __init__(
        self,
        *,
        status: FeedbackStatusStore,
        directory: Path | None,
        files: JsonFiles,
        owner_of: OwnerOf,
    ) -> None:
        self._status = status
        self._directory = directory
        self._files = files
        self._owner_of = owner_of

    async def is_enabled(self) -> bool:
        """Say whether feedback is taken."""
        return self._directory is not None and await self._status.is_enabled()

    async def require_enabled(self) -> None:
        """Raise `Forbidden` when no feedback is taken."""
        if not await self.is_enabled():
            raise _disabled()

    async def set_enabled(self, caller: Identity, *, enabled: bool) -> StatusChange:
        """Switch feedback on or off on all workers.

        Raises `InvalidRequest` when it cannot be switched on for want of a directory.
        """
        if enabled and self._directory is None:
            raise InvalidRequest(
                "Feedback cannot be enabled", "user_data_collection.feedback_storage is not set."
            )
        note(enabled=str(enabled).lower())
        previous = await self._status.set_enabled(enabled=enabled)
        logger.info("feedback status set enabled=%s user_id=%s", enabled, caller.user_id)
        return StatusChange(
            previous=previous and self._directory is not None,
            updated=enabled,
            at=datetime.now(UTC),
        )

    async def receive(self, feedback: Feedback, caller: Identity) -> None:
        """Return once the feedback is on the disk.

        Whether feedback is taken is asked before, by `require_enabled`. Raises `Forbidden` when
        there is nowhere to keep it or the conversation is another user's, `NotFound` when there
        is no such conversation, `StorageFailed` when it was not written.
        """
        directory = self._directory
        if directory is None:
            raise _disabled()
        await self._check_owner(feedback.conversation_id, caller)
        now = datetime.now(UTC)
        document = {"user_id": caller.user_id, "timestamp": str(now), **asdict(feedback)}
        try:
            await self._files.write(directory / f"{uuid4()}.json", document)
        except OSError as error:
            raise StorageFailed(
                "Failed to store feedback", "The file of the feedback could not be written."
            ) from error
        logger.info("feedback stored conversation_id=%s", feedback.conversation_id)

    async def _check_owner(self, conversation_id: str, caller: Identity) -> None:
        note(conversation_id=conversation_id)
        owner = await self._owner_of(conversation_id)
        if owner is None:
            raise NotFound("conversation", conversation_id)
        if owner != caller.user_id:
            note(owner=owner)
            raise Forbidden(
                "User does not have permission to perform this action",
                f"User {caller.user_id} does not have permission to submit feedback for "
                f"conversation with ID {conversation_id}",
            )


def _disabled() -> Forbidden:
    return Forbidden("Storing feedback is disabled", "Storing feedback is disabled.")
