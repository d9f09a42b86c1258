"""What became of a file beside its new text: what was left out, and what means something else."""

from dataclasses import dataclass, field
from typing import Any, cast

type Tree = dict[str, Any]


def mapping(value: object) -> Tree:
    """Return a mapping as it is, and an empty one for anything else."""
    return cast("Tree", value) if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """Return a list as it is, and an empty one for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Remark:
    """A place of the old file, as operators write it, and what is to be known about it."""

    place: str
    text: str


@dataclass(slots=True)
class Ledger:
    """Collects remarks. `left` is what the new file lacks, `changed` what it says otherwise."""

    left: list[Remark] = field(default_factory=list[Remark])
    changed: list[Remark] = field(default_factory=list[Remark])

    def leave(self, place: str, why: str) -> None:
        """Note what was not carried over."""
        self.left.append(Remark(place, why))

    def list_at(self, place: str, value: object) -> list[object]:
        """Return a list, and note where something else stands in its place."""
        if value is not None and not isinstance(value, list):
            self.leave(place, "must be a list")
        return items(value)

    def change(self, place: str, what: str) -> None:
        """Note what was carried over and is called or found otherwise now."""
        self.changed.append(Remark(place, what))
