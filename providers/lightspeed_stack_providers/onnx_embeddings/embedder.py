"""One model, two threads: one for those who wait, and one for documents, which steps back for all.

Calls are cut in slices, and slices of different calls take turns, so that nobody waits for a whole
document, and the event loop for nothing.
"""

import asyncio
import importlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightspeed_stack_providers.background import step_back
from lightspeed_stack_providers.onnx_embeddings.folder import BrokenModel, EmbeddingModel

if TYPE_CHECKING:
    from lightspeed_stack_providers.onnx_embeddings.session import Session

logger = logging.getLogger(__name__)

# About 256 tokens of English, a tenth of a second on one slow core.
_SLICE_CHARACTERS: Final = 1200
_NICENESS: Final = 10


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors in the order of the texts, and how many tokens the model read."""

    vectors: list[list[float]]
    tokens: int


class Embedder:
    """Embeds texts in threads of its own; the model is loaded at the first call."""

    def __init__(self, model: EmbeddingModel, *, threads: int, batch_size: int) -> None:
        self._model = model
        self._threads = threads
        self._batch_size = batch_size
        self._foreground = ThreadPoolExecutor(1, thread_name_prefix="onnx-embeddings")
        self._background = ThreadPoolExecutor(
            1,
            thread_name_prefix="onnx-embeddings-background",
            initializer=step_back,
            initargs=(_NICENESS,),
        )
        self._session: Session | None = None
        self._failure: str | None = None
        self._is_closed = False

    @property
    def failure(self) -> str | None:
        """Why the model could not be loaded, as long as no later attempt succeeded."""
        return self._failure

    async def embed(self, texts: Sequence[str], *, in_background: bool = False) -> Embedded:
        """Embed any number of texts, `in_background` where nobody waits for them.

        Raises `BrokenModel` when the model cannot be loaded.
        """
        lane = self._background if in_background else self._foreground
        vectors: list[list[float]] = [[] for _ in texts]
        tokens = 0
        for indices in slices(texts):
            # What the model starts for itself is as patient as the thread that loads it.
            session = self._session or await _in_thread(self._foreground, self._load)
            found, read = await _in_thread(
                lane,
                lambda use=session, chosen=indices: self._embed_slice(
                    use, [texts[i] for i in chosen]
                ),
            )
            tokens += read
            for index, vector in zip(indices, found, strict=True):
                vectors[index] = vector
        return Embedded(vectors, tokens)

    async def close(self) -> None:
        """Let go of the model and its thread; waits for slices under way, not for whole calls.

        Calls that are not finished then fail. Harmless when repeated.
        """
        if not self._is_closed:
            self._is_closed = True
            for lane in (self._background, self._foreground):
                await _in_thread(lane, self._unload)
                lane.shutdown()

    def _embed_slice(
        self, session: "Session", texts: Sequence[str]
    ) -> tuple[list[list[float]], int]:
        self._refuse_if_closed()
        vectors: list[list[float]] = []
        tokens = 0
        for start in range(0, len(texts), self._batch_size):
            found, read = session.embed(texts[start : start + self._batch_size])
            vectors += found
            tokens += read
        return vectors, tokens

    def _load(self) -> "Session":
        self._refuse_if_closed()
        if self._session is not None:
            return self._session
        # An import of its own: a stack that never embeds does not load ONNX Runtime.
        module = importlib.import_module("lightspeed_stack_providers.onnx_embeddings.session")
        try:
            session: Session = module.Session(self._model, threads=self._threads)
        except BrokenModel as error:
            self._failure = str(error)
            raise
        self._failure = None
        logger.info("embedding model loaded model=%s threads=%d", self._model.name, self._threads)
        self._session = session
        return session

    def _unload(self) -> None:
        self._session = None

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise RuntimeError(f"Embedding model {self._model.name} was shut down")


async def _in_thread[T](lane: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(lane, work)


def slices(texts: Sequence[str]) -> list[list[int]]:
    """Cut a call into slices of indices, texts of similar length side by side to save padding."""
    result: list[list[int]] = []
    room = 0
    for index in sorted(range(len(texts)), key=lambda i: len(texts[i])):
        room -= len(texts[index])
        if room < 0 or not result:
            result.append([])
            room = _SLICE_CHARACTERS - len(texts[index])
        result[-1].append(index)
    return result
