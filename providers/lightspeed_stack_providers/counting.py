"""What a provider of embeddings offers beside the stack's protocol: how its model reads texts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """How an embedding model reads: `count` says how many tokens a text has.

    `limit` tokens of a passage are read, and what stands behind them is not embedded.
    """

    count: Callable[[str], int]
    limit: int


@runtime_checkable
class CountsTokens(Protocol):
    """A provider that has the tokenizer of its embedding model at hand."""

    async def token_count(self, model: str) -> TokenCount:
        """Give the count of a model; it may be used in any thread.

        Raises `ModelNotFoundError`, and whatever an unusable tokenizer raises.
        """
        ...
