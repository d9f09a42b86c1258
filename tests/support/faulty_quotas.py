"""A store of quotas in memory whose database is away as long as a test says so."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import override

from lightspeed_core.config.quota import QuotaLimiterConfiguration
from lightspeed_core.errors import StoreUnavailable
from lightspeed_core.quota.memory import MemoryQuotas
from lightspeed_core.quota.models import Limit, Reservation, Standing, Usage


class FaultyQuotas(MemoryQuotas):
    """`away` counts down: so many calls still fail; `calls` counts all of them."""

    def __init__(self, *, away: int = 0) -> None:
        super().__init__(keeps_history=True)
        self.away = away
        self.calls = 0

    def _meet(self) -> None:
        self.calls += 1
        if self.away > 0:
            self.away -= 1
            raise StoreUnavailable

    @override
    async def open(self) -> None:
        self._meet()

    @override
    async def standings(self, limits: Sequence[Limit]) -> Sequence[Standing]:
        self._meet()
        return await super().standings(limits)

    @override
    async def reserve(self, reservation: Reservation) -> Standing | None:
        self._meet()
        return await super().reserve(reservation)

    @override
    async def settle(self, reservation_id: str, usage: Usage | None) -> Mapping[str, int]:
        self._meet()
        return await super().settle(reservation_id, usage)

    @override
    async def keep(self, reservation_ids: Collection[str]) -> None:
        self._meet()
        await super().keep(reservation_ids)

    @override
    async def release(self, older_than: timedelta) -> int:
        self._meet()
        return await super().release(older_than)

    @override
    async def replenish(self, limiter: QuotaLimiterConfiguration) -> int:
        self._meet()
        return await super().replenish(limiter)
