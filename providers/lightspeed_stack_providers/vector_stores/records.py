"""What every kind of vector store here keeps of its stores and documents. No I/O."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

# Among the attributes; a client's own keys do not begin so.
_EXPIRES_AT: Final = "$expires_at"


@dataclass(frozen=True, slots=True)
class Store:
    """A row of `stores`. `version` grows with every change of the store's chunks."""

    store_key: int
    store_id: str
    name: str
    embedding_model: str
    embedding_dimension: int
    created_at: int
    attributes: str
    version: int
    chunks: int
    vectors: int
    log_horizon: int = 0

    @property
    def metadata(self) -> dict[str, Any]:
        """What the client keeps beside the store."""
        attributes = json.loads(self.attributes)
        return {key: value for key, value in attributes.items() if key != _EXPIRES_AT}

    @property
    def expires_at(self) -> int | None:
        """When the store ends to answer, in seconds since 1970."""
        return json.loads(self.attributes).get(_EXPIRES_AT)

    @property
    def is_expired(self) -> bool:
        """Say whether the store answers no more."""
        return self.expires_at is not None and self.expires_at <= time.time()

    def changed_attributes(
        self, *, metadata: Mapping[str, Any] | None, expires_at: int | None
    ) -> str:
        """Give the attributes with other metadata or another end; None changes nothing."""
        attributes = self.metadata if metadata is None else dict(metadata)
        if (ends := expires_at or self.expires_at) is not None:
            attributes[_EXPIRES_AT] = ends
        return json.dumps(attributes)


class SourceText(NamedTuple):
    """The whole text of a document, and what its writer keeps beside it."""

    text: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """A document that a store holds; `pending` of its chunks still lack their vector."""

    document_key: int
    document_id: str
    created_at: int
    content_hash: str | None
    title: str | None
    url: str | None
    source: str | None
    bytes: int
    chunks: int
    pending: int
    has_text: bool
