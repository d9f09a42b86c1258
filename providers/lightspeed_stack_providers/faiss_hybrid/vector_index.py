"""The vectors of one store in memory, by faiss: exact search by inner product of unit vectors.

Built from arrays that were checked; no index file is ever read or written.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import faiss
import numpy as np

from lightspeed_stack_providers.faiss_hybrid.failures import DamagedContent
from lightspeed_stack_providers.vector_stores.ranking import Ranking


class VectorIndex:
    """Vectors under the keys of their chunks. Not thread-safe."""

    def __init__(self, dimension: int) -> None:
        # One search is short; more threads would only disturb the others and the models.
        faiss.omp_set_num_threads(1)
        self.dimension = dimension
        self._index: Any = faiss.IndexFlatIP(dimension)
        # In the order of the vectors. faiss's own map of ids would hide the places of vectors, by
        # which a few of many are found fastest.
        self._keys: Any = np.empty(0, np.int64)

    def __len__(self) -> int:
        return self._index.ntotal

    def add(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Take (key, little-endian float32 array) pairs in. Raises `DamagedContent`."""
        for key, embedding in rows:
            if len(embedding) != 4 * self.dimension:
                raise DamagedContent(
                    f"the vector of chunk {key} has {len(embedding)} bytes, "
                    f"not {4 * self.dimension}"
                )
        vectors = np.frombuffer(b"".join(embedding for _, embedding in rows), dtype="<f4")
        if not np.isfinite(vectors).all():
            raise DamagedContent("a vector holds values that are not numbers")
        keys = np.array([key for key, _ in rows], dtype=np.int64)
        matrix = vectors.astype(np.float32).reshape(len(rows), self.dimension)
        self._index.add(matrix)
        self._keys = np.concatenate([self._keys, keys])

    def remove(self, keys: Iterable[int]) -> None:
        """Let vectors go; unknown keys are ignored."""
        places = self.places_of(np.fromiter(keys, dtype=np.int64))
        # The vectors that stay keep their order.
        self._index.remove_ids(faiss.IDSelectorBatch(places))
        self._keys = np.delete(self._keys, places)

    def places_of(self, keys: Any) -> Any:
        """Tell where the vectors of an array of keys are; valid until the next change."""
        return np.flatnonzero(np.isin(self._keys, keys))

    def search(self, vector: Sequence[float], limit: int, *, only: Any = None) -> Ranking:
        """Find the nearest by cosine, among the vectors at the places `only` where it is given."""
        query = np.array([vector], dtype=np.float32)
        norm = float(np.linalg.norm(query))
        depth = min(limit, len(self) if only is None else len(only))
        if depth == 0 or not np.isfinite(norm) or norm == 0.0:
            return []
        params = None
        if only is not None:
            selector = faiss.IDSelectorArray(only)
            params = faiss.SearchParameters()
            params.sel = selector
        cosines, places = self._index.search(query / norm, depth, params=params)
        keys: list[int] = self._keys[places[0]].tolist()
        found = zip(keys, cosines[0].tolist(), strict=True)
        return sorted(found, key=lambda item: (-item[1], item[0]))
