"""Takes a store that another program wrote over into a store of ours, document by document."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import EmbeddingPurpose, NewVectorStore, VectorStoreInfo
from lightspeed_core.errors import InvalidRequest
from lightspeed_core.ingest.foreign.reader import ForeignDocument, ForeignStore, read_documents

_BETWEEN: Final = "\n\n"
_TEXTS_AT_A_TIME: Final = 16


@dataclass(slots=True)
class Imported:
    """How far an import is; `unchanged` documents were there already."""

    documents: int = 0
    unchanged: int = 0
    chunks: int = 0
    embedded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is to be taken over, and into which store."""

    path: Path
    foreign: ForeignStore
    store: VectorStoreInfo
    reembed: bool = False
    report: Callable[[Imported], None] = field(default=lambda _: None)


async def find_or_make_store(
    engine: Engine, name: str, foreign: ForeignStore, *, reembed: bool, folders: Path
) -> VectorStoreInfo:
    """Return the store of that id or name, or make one whose model fits.

    Raises `InvalidRequest` where the model that embedded the foreign store is not there; it names
    the folder below `folders` that would serve.
    """
    listed = await engine.vector_stores()
    found = next((each for each in listed if each.store_id == name), None) or next(
        (each for each in listed if each.name == name), None
    )
    if found is not None:
        if not reembed:
            _check_model(foreign, found, folders)
        return found
    if reembed:
        return await engine.create_vector_store(NewVectorStore(name=name, store_id=name))
    wanted = _last(foreign.model or "")
    for model in await engine.models():
        if model.model_type == "embedding" and _last(model.identifier) == wanted:
            return await engine.create_vector_store(
                NewVectorStore(
                    name=name,
                    store_id=name,
                    embedding_model=model.identifier,
                    embedding_dimension=model.metadata.get("embedding_dimension"),
                )
            )
    raise _no_model(foreign, folders, "no embedding model of that name is listed")


async def take_in(engine: Engine, work: Import) -> Imported:
    """Bring the documents over that are not there yet; stops and goes on at any document.

    Raises as `read_documents` and the engine do.
    """
    known = {
        each.document_id: each.content_hash
        for each in await engine.documents(work.store.store_id)
        if not each.pending
    }
    done = Imported()
    async with aclosing(read_documents(work.path, work.foreign.store_id)) as documents:
        async for foreign in documents:
            document, chunks = _document(foreign)
            done.documents += 1
            done.chunks += len(chunks)
            if known.get(document.document_id) == document.content_hash:
                done.unchanged += 1
            else:
                if work.reembed:
                    chunks = await _embedded_anew(engine, work.store, chunks)
                    done.embedded += len(chunks)
                else:
                    _check_dimension(work, chunks)
                await engine.insert_document(work.store.store_id, document, chunks)
            work.report(done)
    return done


def _document(foreign: ForeignDocument) -> tuple[SourceDocument, list[Chunk]]:
    """Join the texts of the chunks, so that each stands at its place in a text."""
    chunks: list[Chunk] = []
    position = 0
    for number, chunk in enumerate(foreign.chunks):
        chunks.append(
            Chunk(
                chunk_id=f"{foreign.document_id}#{number}:{chunk.chunk_id}",
                document_id=foreign.document_id,
                content=chunk.content,
                start=position,
                end=position + len(chunk.content),
                vector=list(chunk.vector),
                attributes=chunk.metadata,
            )
        )
        position += len(chunk.content) + len(_BETWEEN)
    text = _BETWEEN.join(chunk.content for chunk in foreign.chunks)
    document = SourceDocument(
        document_id=foreign.document_id,
        text=text,
        content_hash=hashlib.sha256(text.encode(errors="replace")).hexdigest(),
        title=foreign.title,
        url=foreign.url,
        source=foreign.source,
    )
    return document, chunks


async def _embedded_anew(
    engine: Engine, store: VectorStoreInfo, chunks: Sequence[Chunk]
) -> list[Chunk]:
    embedded: list[Chunk] = []
    for begin in range(0, len(chunks), _TEXTS_AT_A_TIME):
        some = chunks[begin : begin + _TEXTS_AT_A_TIME]
        vectors = await engine.embed(
            [chunk.content for chunk in some],
            model=store.embedding_model,
            purpose=EmbeddingPurpose.PASSAGE,
        )
        embedded += [
            replace(chunk, vector=vector) for chunk, vector in zip(some, vectors, strict=True)
        ]
    return embedded


def _check_dimension(work: Import, chunks: Sequence[Chunk]) -> None:
    for chunk in chunks:
        if len(chunk.vector or ()) != work.store.embedding_dimension:
            raise InvalidRequest(
                "File cannot be imported",
                f"{work.path} cannot be imported: its vectors have {len(chunk.vector or ())} "
                f"numbers, and store {work.store.name} takes {work.store.embedding_dimension}",
            )


def _check_model(foreign: ForeignStore, store: VectorStoreInfo, folders: Path) -> None:
    is_other = foreign.model is not None and _last(foreign.model) != _last(store.embedding_model)
    if is_other or foreign.dimension not in {None, store.embedding_dimension}:
        raise _no_model(
            foreign,
            folders,
            f"store {store.name} takes vectors of {store.embedding_model} "
            f"({store.embedding_dimension})",
        )


def _no_model(foreign: ForeignStore, folders: Path, reason: str) -> InvalidRequest:
    model = foreign.model or "a model that the file does not name"
    return InvalidRequest(
        "Embedding model is missing",
        f"the vectors are of {model} ({foreign.dimension}), and {reason}. Describe the store in "
        f"rag.byok.stores with that model, whose ONNX form in {folders / model} would serve "
        "(docs/providers/onnx_embeddings.md), or embed the texts anew by --reembed",
    )


def _last(model: str) -> str:
    return model.rpartition("/")[2].casefold()
