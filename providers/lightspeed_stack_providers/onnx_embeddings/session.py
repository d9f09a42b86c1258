"""The model at work: text to unit vector, synchronously.

The only module that imports ONNX Runtime, the tokenizer and NumPy, which is why it is imported at
the first use and not with the provider. Several threads may embed at the same time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from tokenizers import Encoding

from lightspeed_stack_providers.onnx_embeddings.counter import (
    CHARACTERS_PER_TOKEN,
    open_tokenizer,
)
from lightspeed_stack_providers.onnx_embeddings.folder import BrokenModel, EmbeddingModel

_KNOWN_INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class Session:
    """A loaded model. Raises `BrokenModel` where the files are not what their JSON says."""

    def __init__(self, model: EmbeddingModel, *, threads: int) -> None:
        model.verify()
        self._spec = model.spec
        self._tokenizer = open_tokenizer(model)
        self._padding_id: int = (self._tokenizer.padding or {}).get("pad_id", 0)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(model.spec.max_length)
        self._session = _open_session(model.model, threads)
        self._inputs = frozenset(put.name for put in self._session.get_inputs())
        self._refuse_a_foreign_shape(model.model)

    def embed(self, texts: Sequence[str]) -> tuple[list[list[float]], int]:
        """Embed one batch; gives unit vectors in the order of the texts, and the tokens read."""
        limit = self._spec.max_length * CHARACTERS_PER_TOKEN
        # One by one: the tokenizer's own batches start a thread pool of theirs.
        encodings = [self._tokenizer.encode(text[:limit]) for text in texts]
        hidden, mask = self._run(encodings)
        pooled = hidden[:, 0] if self._spec.pooling == "cls" else _mean(hidden, mask)
        norms = np.linalg.norm(pooled, axis=1, keepdims=True)
        vectors = pooled / np.maximum(norms, np.finfo(np.float32).tiny)
        return vectors.tolist(), int(mask.sum())

    def _run(self, encodings: Sequence[Encoding]) -> tuple[Any, Any]:
        shape = (len(encodings), max(len(encoding.ids) for encoding in encodings))
        ids = np.full(shape, self._padding_id, np.int64)
        mask = np.zeros(shape, np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {name: feed[name] for name in self._inputs}
        return np.asarray(self._session.run(None, wanted)[0], np.float32), mask

    def _refuse_a_foreign_shape(self, path: Path) -> None:
        unknown = self._inputs - _KNOWN_INPUTS
        if unknown:
            raise BrokenModel(
                path,
                f"wants the inputs {', '.join(sorted(unknown))}",
                f"A text embedding model has no others than {', '.join(sorted(_KNOWN_INPUTS))}.",
            )
        hidden, _ = self._run([self._tokenizer.encode("shape")])
        if hidden.ndim != 3 or hidden.shape[2] != self._spec.dimension:
            raise BrokenModel(
                path,
                f"gives an output of the shape {hidden.shape}",
                "Right would be (texts, tokens, dimension), the last one being the `dimension` "
                f"of the model's JSON, which is {self._spec.dimension}.",
            )


def _mean(hidden: Any, mask: Any) -> Any:
    weights = mask[..., None].astype(np.float32)
    return (hidden * weights).sum(axis=1) / weights.sum(axis=1)


def _open_session(path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads starve the server on a small machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        remedy = "Use an ONNX export of the model for the CPU."
        raise BrokenModel(path, f"cannot be loaded: {error}", remedy) from error
