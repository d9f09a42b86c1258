"""Room for so much work at a time, in all and for each user; beyond it work is refused.

One event loop asks, so that counting needs no lock. It knows nothing of what is done inside.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from typing import Final, Protocol

from lightspeed_core.assistant.live import EventSource
from lightspeed_core.domain.events import TurnEvent
from lightspeed_core.errors import Overloaded, QuotaExceeded

RETRY_AFTER_SECONDS: Final = 5.0
"""When trying again makes sense: a turn takes seconds, and one of many ends sooner."""


class AdmissionMetrics(Protocol):
    """Where admissions show; `kind` names what there is room for."""

    def show_places(self, kind: str, taken: Callable[[], int]) -> None:
        """Show how many places are taken, asked for when somebody looks."""
        ...

    def turned_away(self, kind: str, reason: str) -> None:
        """Count a refusal; `reason` is `service` or `user`."""
        ...


class Place:
    """One place; whoever holds it leaves it, once, or hands that duty over."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave: Callable[[], None] | None = leave

    def hand_over(self) -> Callable[[], None]:
        """Return what frees the place; who called this no longer does."""
        leave, self._leave = self._leave, None
        return leave or _nothing

    def leave(self) -> None:
        """Free the place, unless somebody else has to."""
        self.hand_over()()


def _nothing() -> None:
    pass


class Admission:
    """Counts who is in; `most` in all and `most_of_user` of one user."""

    def __init__(self, kind: str, *, most: int, most_of_user: int) -> None:
        self._kind = kind
        self._most = most
        self._most_of_user = most_of_user
        self._metrics: AdmissionMetrics | None = None
        self._inside = 0
        self._of_user: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are in."""
        return self._inside

    def report_to(self, metrics: AdmissionMetrics) -> None:
        """Show places and count refusals there from now on."""
        self._metrics = metrics
        metrics.show_places(self._kind, lambda: self._inside)

    def has_room(self, user_id: str) -> bool:
        """Say whether the user would get a place; a look is no refusal."""
        return self._inside < self._most and self._of_user[user_id] < self._most_of_user

    @contextmanager
    def place(self, user_id: str) -> Generator[Place]:
        """Hold a place within the block, and beyond it where it is handed over.

        Raises `Overloaded` where there is none, and `QuotaExceeded` where the user has too many.
        """
        self._check(user_id)
        self._inside += 1
        self._of_user[user_id] += 1
        place = Place(lambda: self._free(user_id))
        try:
            yield place
        finally:
            place.leave()

    def _check(self, user_id: str) -> None:
        if self._of_user[user_id] >= self._most_of_user:
            self._count_refusal("user")
            raise QuotaExceeded(
                "Too many requests at a time",
                f"User {user_id} has {self._most_of_user} {self._kind} open, and may have no more.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        if self._inside >= self._most:
            self._count_refusal("service")
            raise Overloaded(
                f"{self._most} {self._kind} are open, and there is no room for more.",
                retry_after=RETRY_AFTER_SECONDS,
            )

    def _count_refusal(self, reason: str) -> None:
        if self._metrics is not None:
            self._metrics.turned_away(self._kind, reason)

    def _free(self, user_id: str) -> None:
        self._inside -= 1
        if self._of_user[user_id] <= 1:
            del self._of_user[user_id]
        else:
            self._of_user[user_id] -= 1


class CountedSource:
    """The events of a turn for one more reader, who holds a place while reading."""

    def __init__(self, source: EventSource, admission: Admission, user_id: str) -> None:
        self._source = source
        self._admission = admission
        self._user_id = user_id

    @property
    def turn_id(self) -> str:
        """The request id of the wire."""
        return self._source.turn_id

    async def events(self) -> AsyncGenerator[tuple[TurnEvent, ...]]:
        """Yield what the source does; raises as `Admission.place` before the first event."""
        with self._admission.place(self._user_id):
            async with aclosing(self._source.events()) as batches:
                async for batch in batches:
                    yield batch


class Admissions:
    """Room for turns, and for readers who come back to one.

    They are counted apart, so that who lost a connection gets the stream back also where the turns
    themselves have taken all room.
    """

    def __init__(self, *, most: int, most_of_user: int) -> None:
        self.turns = Admission("turns", most=most, most_of_user=most_of_user)
        self.readers = Admission("readers", most=most, most_of_user=most_of_user)

    def report_to(self, metrics: AdmissionMetrics) -> None:
        """Show and count both."""
        self.turns.report_to(metrics)
        self.readers.report_to(metrics)
