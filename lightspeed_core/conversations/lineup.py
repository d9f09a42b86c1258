"""The live turns that this process began, in order of receipt.

Spares the database the questions that the process can answer itself; what other workers do it
does not know.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class _Place:
    conversation_id: str
    is_free: bool


class Lineup:
    """Who stands before whom among the turns of this process.

    A turn blocks those behind it until it leaves, whatever became of its lease: a process that
    was held up for longer than that, as by a suspended machine, still runs it.
    """

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._queues: dict[str, dict[str, _Place]] = {}

    def __contains__(self, turn_id: object) -> bool:
        return turn_id in self._places

    def join(self, turn_id: str, conversation_id: str, *, is_free: bool) -> None:
        """Add a turn behind the others of its conversation."""
        place = _Place(conversation_id, is_free)
        self._places[turn_id] = place
        self._queues.setdefault(conversation_id, {})[turn_id] = place

    def leave(self, turn_id: str) -> None:
        """Drop a turn, known or not."""
        place = self._places.pop(turn_id, None)
        if place is None:
            return
        queue = self._queues[place.conversation_id]
        del queue[turn_id]
        if not queue:
            del self._queues[place.conversation_id]

    def dissolve(self, conversation_id: str) -> None:
        """Drop all turns of a conversation."""
        for turn_id in list(self._queues.get(conversation_id, ())):
            self.leave(turn_id)

    def set_free(self, turn_id: str) -> None:
        """Note that nobody stands before the turn, here or elsewhere."""
        if (place := self._places.get(turn_id)) is not None:
            place.is_free = True

    def is_free(self, turn_id: str) -> bool:
        """Say whether it is known that nobody stands before the turn, on any worker."""
        place = self._places.get(turn_id)
        return place is not None and place.is_free

    def is_blocked(self, turn_id: str) -> bool:
        """Say whether a turn of this process stands before it."""
        place = self._places.get(turn_id)
        return place is not None and next(iter(self._queues[place.conversation_id])) != turn_id
