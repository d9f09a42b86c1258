"""What stores without a database have in common; knows none of them."""


class MemoryStore:
    """A store that ends with its process; nothing of it has to be opened."""

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""
