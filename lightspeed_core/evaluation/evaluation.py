"""The use case: a store, its questions, and what came of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import SearchMode, StoredDocument, VectorStoreInfo
from lightspeed_core.errors import ConfigurationError, InvalidRequest
from lightspeed_core.evaluation.answers import AnswersResult, Ask, measure_answers
from lightspeed_core.evaluation.questions import Question
from lightspeed_core.evaluation.retrieval import ModeResult, measure_modes

BEST_FIRST: Final = (SearchMode.HYBRID, SearchMode.VECTOR, SearchMode.KEYWORD)
_NAMED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that was measured, and what speaks against taking it at its word."""

    store: str
    embedding_model: str
    answerable: int
    unanswerable: int
    modes: tuple[ModeResult, ...]
    answers: AnswersResult | None
    warnings: tuple[str, ...]


async def evaluate(
    engine: Engine,
    store_id: str,
    questions: Sequence[Question],
    *,
    mode: SearchMode | None = None,
    ask: Ask | None = None,
) -> Evaluation:
    """Measure a store in every mode that it serves, or in one; the answers where `ask` is given.

    Raises `ConfigurationError` for what cannot be measured, and what the engine raises.
    """
    store = await _find(engine, store_id)
    if not any(question.is_answerable for question in questions):
        raise ConfigurationError("no question is answerable, so there is nothing to find")
    modes = [each for each in BEST_FIRST if each in store.modes and mode in {None, each}]
    if not modes:
        served = ", ".join(sorted(store.modes))
        raise ConfigurationError(f"vector store {store_id} serves {served}, not {mode}")
    return Evaluation(
        store=store.store_id,
        embedding_model=store.embedding_model,
        answerable=sum(question.is_answerable for question in questions),
        unanswerable=sum(not question.is_answerable for question in questions),
        warnings=tuple(await _warnings(engine, store.store_id, questions)),
        modes=await measure_modes(engine, store.store_id, questions, modes),
        answers=None if ask is None else await measure_answers(ask, questions),
    )


async def _find(engine: Engine, store_id: str) -> VectorStoreInfo:
    stores = await engine.vector_stores()
    for store in stores:
        if store_id in {store.store_id, store.name}:
            return store
    listed = ", ".join(store.store_id for store in stores) or "none"
    raise ConfigurationError(f"there is no vector store {store_id}; listed are {listed}")


async def _warnings(engine: Engine, store_id: str, questions: Sequence[Question]) -> list[str]:
    try:
        held = await engine.documents(store_id)
    except InvalidRequest:
        return []  # not every kind of store lists its documents
    if not held:
        raise ConfigurationError(f"vector store {store_id} holds no document: fill it first")
    return [*_incomplete(held), *_absent(held, questions)]


def _incomplete(held: Sequence[StoredDocument]) -> Iterator[str]:
    pending = sum(document.pending for document in held)
    if pending:
        chunks = sum(document.chunks for document in held)
        yield f"{pending} of {chunks} chunks have no vector yet and are found by keyword alone"


def _absent(held: Sequence[StoredDocument], questions: Sequence[Question]) -> Iterator[str]:
    names = {document.document_id for document in held}
    wanted = {
        place.document: None
        for question in questions
        for places in question.facts
        for place in places
        if place.document is not None and place.document not in names
    }
    if wanted:
        named = ", ".join(map(str, list(wanted)[:_NAMED]))
        yield f"{len(wanted)} documents of the questions are not in the store: {named}"
