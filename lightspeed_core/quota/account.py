"""What a turn asks of quotas, and the answer where there are none. Knows no store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, override

from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import ModelRef


class Account(Protocol):
    """What one turn uses of the quotas of whoever pays for it."""

    @property
    def is_counted(self) -> bool:
        """Say whether anything is counted at all."""
        ...

    def beside(self) -> "Account":
        """Return another account of the same payer, for a call beside the turn."""
        ...

    async def check(self) -> None:
        """Raise `QuotaExceeded` where a quota is used up; reserves nothing."""
        ...

    async def reserve(self, tokens: int, *, wait: bool = True) -> None:
        """Reserve what the turn's next model calls may use; once, until that is settled.

        Where everything that is left is reserved by turns that run, it waits for them a moment.
        Raises `QuotaExceeded`, and `StoreUnavailable`.
        """
        ...

    def use(self, usage: TokenUsage) -> None:
        """Note what a model call used; never waits."""
        ...

    async def settle(self) -> Mapping[str, int]:
        """Charge what was used, give back what was reserved, and return what is then `left`.

        Nothing is returned where nothing was reserved. Called at the end of a turn, however it
        ended, and between its model calls; never raises.
        """
        ...

    async def left(self) -> Mapping[str, int]:
        """Return the tokens that are left, by the class of limiter; never raises.

        Of several limiters of a class it is the least.
        """
        ...


class Quotas(Protocol):
    """Opens accounts."""

    def account(self, caller: Identity, model: ModelRef) -> Account:
        """Return the account of a caller who asks a model."""
        ...


class FreeAccount(Account):
    """Counts nothing."""

    @property
    @override
    def is_counted(self) -> bool:
        return False

    @override
    def beside(self) -> Account:
        return self

    @override
    async def check(self) -> None:
        pass

    @override
    async def reserve(self, tokens: int, *, wait: bool = True) -> None:
        pass

    @override
    def use(self, usage: TokenUsage) -> None:
        pass

    @override
    async def settle(self) -> Mapping[str, int]:
        return {}

    @override
    async def left(self) -> Mapping[str, int]:
        return {}


class NoQuotas(Quotas):
    """Lets everybody spend what they like."""

    def __init__(self) -> None:
        self._account = FreeAccount()

    @override
    def account(self, caller: Identity, model: ModelRef) -> Account:
        return self._account


@dataclass(frozen=True, slots=True)
class QuotasOfRoutes:
    """Who pays for conversations, and who for answers without one."""

    turns: Quotas = field(default_factory=NoQuotas)
    infer: Quotas = field(default_factory=NoQuotas)
