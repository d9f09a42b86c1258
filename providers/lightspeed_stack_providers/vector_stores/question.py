"""The vector of a question, by the model that a store was filled with."""

import logging
import math
from collections.abc import Sequence

from llama_stack_api import (
    ConflictError,
    Inference,
    ModelNotFoundError,
    OpenAIEmbeddingsRequestWithExtraBody,
)

from lightspeed_stack_providers.vector_stores.query import SearchQuery
from lightspeed_stack_providers.vector_stores.records import Store

_log = logging.getLogger(__name__)


class Questions:
    """Embeds questions; with `mark_queries` it says that they are questions."""

    def __init__(self, inference: Inference, *, mark_queries: bool) -> None:
        self._inference = inference
        self._extra = {"input_type": "query"} if mark_queries else {}
        self._failing_models: set[str] = set()

    async def vector(self, query: SearchQuery, store: Store) -> Sequence[float] | None:
        """Embed a question; None when the model failed and keywords can answer without it.

        Raises `ConflictError` when the model is not there, or is not the one it was.
        """
        model = store.embedding_model
        try:
            vector = await self._embed(query.text, store)
        except ModelNotFoundError as error:
            raise ConflictError(
                f"Vector store '{store.store_id}' was filled with the model '{model}', which is "
                "not there any more. Configure it again, or index the documents anew."
            ) from error
        except ConflictError:
            raise
        except Exception as error:  # an inference provider may raise anything
            if query.mode == "vector":
                raise
            if model not in self._failing_models:
                self._failing_models.add(model)
                _log.warning(
                    "question not embedded, searched by keyword alone",
                    extra={"model": model, "store": store.store_id, "error": repr(error)},
                )
            return None
        self._failing_models.discard(model)
        return vector

    async def _embed(self, text: str, store: Store) -> Sequence[float]:
        request = OpenAIEmbeddingsRequestWithExtraBody.model_validate(
            {"model": store.embedding_model, "input": [text], **self._extra}
        )
        response = await self._inference.openai_embeddings(request)
        vector = response.data[0].embedding
        if isinstance(vector, str) or len(vector) != store.embedding_dimension:
            raise ConflictError(
                f"The model '{store.embedding_model}' gave a vector that has not the dimension "
                f"{store.embedding_dimension} of vector store '{store.store_id}'. Restore the "
                "model that made the store, or index the documents anew in another store."
            )
        if not all(math.isfinite(number) for number in vector):
            raise ValueError(
                f"the model '{store.embedding_model}' gave numbers that are not finite"
            )
        return vector
