"""Which connections of this process wait for a request; the longest waiting makes room."""

from typing import Protocol


class Waiting(Protocol):
    """A connection that waits for a request."""

    def give_way(self) -> None:
        """Close it at once."""
        ...


class IdleConnections:
    """The connections that wait for a request, the longest waiting first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[Waiting, None] = {}

    def make_room(self, opened: int) -> bool:
        """Say whether one of `opened` connections may stay; closes one that waits if need be."""
        if opened <= self._most:
            return True
        if not self._waiting:
            return False
        longest = next(iter(self._waiting))
        self.remove(longest)
        longest.give_way()
        return True

    def add(self, connection: Waiting) -> None:
        """Note that a connection waits from now on."""
        self._waiting[connection] = None

    def remove(self, connection: Waiting) -> None:
        """Note that a connection waits no more."""
        self._waiting.pop(connection, None)
