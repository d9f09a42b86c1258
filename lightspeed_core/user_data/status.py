"""Whether feedback is taken: one switch for all workers, set at run time."""

from dataclasses import dataclass
from typing import Protocol, override

from lightspeed_core.db.memory import MemoryStore


class FeedbackStatusStore(Protocol):
    """Keeps the switch. Raises `StoreUnavailable` when the database does not answer."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...

    async def is_enabled(self) -> bool:
        """Return what was set last by any worker; what is configured if nothing ever was."""
        ...

    async def set_enabled(self, *, enabled: bool) -> bool:
        """Set the switch for all workers and return what it was until then."""
        ...


@dataclass(slots=True)
class _Memory:
    enabled: bool


class MemoryFeedbackStatus(MemoryStore, FeedbackStatusStore):
    """Keeps the switch until the process ends."""

    def __init__(self, *, configured: bool) -> None:
        self._memory = _Memory(configured)

    def beside(self) -> "MemoryFeedbackStatus":
        """Return another worker on the same memory."""
        other = MemoryFeedbackStatus(configured=True)
        other._memory = self._memory
        return other

    @override
    async def is_enabled(self) -> bool:
        return self._memory.enabled

    @override
    async def set_enabled(self, *, enabled: bool) -> bool:
        previous, self._memory.enabled = self._memory.enabled, enabled
        return previous
