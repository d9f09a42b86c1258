"""Claims that count how often they are looked at, so that a costly JSONPath comes to an end.

A few steps of an expression can multiply one another, and what they multiply is the caller's.
Steps are counted and not time, so that a busy machine judges as an idle one does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, override


@dataclass(slots=True)
class Budget:
    """How many values may still be looked at."""

    left: int

    def spend(self, steps: int) -> None:
        """Count steps; raises `RuntimeError` when there are no more."""
        self.left -= steps
        if self.left < 0:
            raise RuntimeError("too many steps over the claims")


class _Members(dict[str, Any]):
    __slots__ = ("_budget",)

    def __init__(self, values: Mapping[str, Any], budget: Budget) -> None:
        super().__init__({name: measured(value, budget) for name, value in values.items()})
        self._budget = budget

    @override
    def get(self, key: str, default: Any = None, /) -> Any:
        self._budget.spend(1)
        return super().get(key, default)

    @override
    def items(self) -> Any:
        self._budget.spend(1 + len(self))
        return super().items()


class _Elements(list[Any]):
    __slots__ = ("_budget",)

    def __init__(self, values: list[Any], budget: Budget) -> None:
        super().__init__(measured(value, budget) for value in values)
        self._budget = budget

    @override
    def __iter__(self) -> Iterator[Any]:
        self._budget.spend(1 + len(self))
        return super().__iter__()

    @override
    def __getitem__(self, index: Any) -> Any:
        self._budget.spend(1)
        return super().__getitem__(index)


def measured(value: Any, budget: Budget) -> Any:
    """Copy decoded JSON into containers that spend the budget when they are read."""
    if isinstance(value, Mapping):
        return _Members(cast("Mapping[str, Any]", value), budget)
    if isinstance(value, list):
        return _Elements(cast("list[Any]", value), budget)
    return value
