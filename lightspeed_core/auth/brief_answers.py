"""Remembers for moments what was answered about a secret; it never keeps the secret itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from lightspeed_core.errors import LightspeedError

ACCEPTED_SECONDS: Final = 60.0
"""How long a yes holds, and so how long a token that was withdrawn still works."""
REFUSED_SECONDS: Final = 10.0
"""How long a no holds, and so how long it takes until a new permission counts."""
MOST_ANSWERS: Final = 10_000


@dataclass(slots=True)
class _Question:
    """A question on its way, which everybody who has the same one waits for."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    error: LightspeedError | None = None


class BriefAnswers[T]:
    """Asks once about a secret, however many ask at the same time, and keeps the answer a while.

    Errors are shared by those who waited for them, and never kept.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[T]],
        *,
        is_yes: Callable[[T], bool],
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_ANSWERS,
    ) -> None:
        self._ask = ask
        self._is_yes = is_yes
        self._clock = clock
        self._most = most
        self._kept: dict[bytes, tuple[float, T]] = {}
        self._asked: dict[bytes, _Question] = {}

    async def about(self, secret: str) -> T:
        """Return the kept answer, or ask; raises what asking raises."""
        key = sha256(secret.encode()).digest()
        while True:
            kept = self._kept.get(key)
            if kept is not None and self._clock() < kept[0]:
                return kept[1]
            question = self._asked.get(key)
            if question is None:
                return await self._ask_now(key, secret)
            await question.ended.wait()
            if question.error is not None:
                # Each of them adds its own frames to the traceback.
                raise question.error.with_traceback(None)
            # Now an answer is kept; or the one who asked went away, and another asks again.

    async def _ask_now(self, key: bytes, secret: str) -> T:
        question = self._asked[key] = _Question()
        try:
            answer = await self._ask(secret)
        except LightspeedError as error:
            question.error = error
            raise
        else:
            self._keep(key, answer)
            return answer
        finally:
            del self._asked[key]
            question.ended.set()

    def _keep(self, key: bytes, answer: T) -> None:
        seconds = ACCEPTED_SECONDS if self._is_yes(answer) else REFUSED_SECONDS
        self._kept.pop(key, None)
        while len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (self._clock() + seconds, answer)
