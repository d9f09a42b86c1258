"""What a vector store provider of ours offers beside the stack's own protocol.

The stack's registry is in the memory of a process; these providers hold their stores themselves,
so that whoever asks them learns of stores that were made at run time, here or elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStore:
    """A store as its provider holds it now.

    `wanted_model` is the embedding model that it is configured for, where it was filled with
    another one. `expires_at` is in seconds since 1970.
    """

    store_id: str
    name: str
    embedding_model: str
    embedding_dimension: int
    wanted_model: str | None = None
    expires_at: int | None = None


@runtime_checkable
class KeepsStores(Protocol):
    """A provider that is the truth about its stores, whatever a registry says."""

    async def kept_stores(self) -> Sequence[KeptStore]:
        """List the stores in the order of their creation."""
        ...

    async def replace_vector_store(self, vector_store_id: str, *, by: str) -> None:
        """Let one store serve what another one holds, which is gone then; all in one step.

        Raises `VectorStoreNotFoundError` when either is missing.
        """
        ...
