"""Mends what Llama Stack's own faiss store leaves behind when its last chunk is deleted.

It keeps the chunk under its place, and counts it when the next one is put in: that one's vector
is then found with the text of the deleted one. Knows the insides of that store, and nothing else.
"""

from typing import Any


async def forget_deleted(provider: Any, store_id: str) -> None:
    """Let go of chunks whose vectors are gone; other kinds of stores are left alone."""
    held = getattr(provider, "cache", {}).get(store_id)
    index = getattr(held, "index", None)
    places = getattr(index, "chunk_by_index", None)
    if index is None or places is None:
        return
    left_over = [place for place in places if place >= index.index.ntotal]
    for place in left_over:
        del places[place]
    if left_over:
        await index._save_index()
