"""The chunks that pass a filter, in the form that each of the two indexes wants."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Selection:
    """Chunks of one version of a store.

    `keys` are those of the chunks, ascending, `places` those of their vectors in the vector index;
    chunks after `last_chunk` were not looked at.
    """

    keys: Any
    places: Any
    version: int
    last_chunk: int
