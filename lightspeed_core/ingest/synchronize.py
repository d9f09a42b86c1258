"""Brings a vector store up to date with a source: what is new, changed or gone, and nothing else.

Knows neither jobs nor who asked. What a crash leaves undone is done by the next run, for every
document is compared with what the store holds.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.domain.retrieval import SourceDocument
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import StoredDocument, VectorStoreInfo
from lightspeed_core.errors import (
    EngineUnavailable,
    LightspeedError,
    NotFound,
    StoreUnavailable,
    UnreadableFile,
)
from lightspeed_core.ingest.chunk import MAX_TOKENS
from lightspeed_core.ingest.documents import DocumentWriter, Draft, Manner
from lightspeed_core.ingest.jobs import FileState, IndexedFile
from lightspeed_core.ingest.load import is_blank, load_document
from lightspeed_core.ingest.parse.parser import DocumentParser
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.sources import FoundFile, Source, is_below
from lightspeed_core.ingest.store import IndexedFiles

logger = logging.getLogger(__name__)

type OnText = Callable[[], None]

FORM: Final = "3"
"""Changes when files are read or cut otherwise, so that unchanged ones are read again."""

# What is read before the first of it is embedded, in bytes of its files; the next window may be
# twice as large, for it is read meanwhile.
_FIRST_WINDOW: Final = 2 * 1024 * 1024
_LARGEST_WINDOW: Final = 16 * 1024 * 1024
_EMPTY: Final = "it holds no text"


def _ignore() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where documents go: a store of an engine, with what is known of indexed files.

    `limits` say what reading one file may cost.
    """

    engine: Engine
    store_id: str
    indexed: IndexedFiles
    limits: ParseLimits = field(default_factory=ParseLimits)


async def synchronize(
    target: Target, source: Source, progress: Progress, *, on_text: OnText = _ignore
) -> None:
    """Make the store hold the documents of a source as they are, each chunk with its vector.

    Documents of other sources stay as they are. A file that fails is noted in `progress`, its
    older version stays, and the others go on. `on_text` is called once something can be found: at
    once if the store was filled before, else when the text of the first files is stored. Raises
    `NotFound` for an unknown store or a source that is missing as a whole, `EngineUnavailable` and
    `StoreUnavailable` when what is needed goes away.
    """
    store = await find_store(target.engine, target.store_id)
    listing = await asyncio.to_thread(source.find)
    held = {each.document_id: each for each in await target.engine.documents(target.store_id)}
    owned = [document_id for document_id in held if source.owns(document_id)]
    if owned:
        on_text()
    run = _Run(target, store, held, await target.indexed.of_store(target.store_id), progress)
    progress.begin(len(listing.files))
    listed = {file.document_id for file in listing.files}
    gone = [each for each in owned if each not in listed and not is_below(each, listing.unread)]
    await run.delete(gone)
    async with run.parser:
        await run.bring_in(listing.files, on_text)
    logger.info("documents indexed store_id=%s %s", target.store_id, progress.counts)


async def find_store(engine: Engine, store_id: str) -> VectorStoreInfo:
    """Return a store. Raises `NotFound`."""
    for store in await engine.vector_stores():
        if store.store_id == store_id:
            return store
    raise NotFound("vector store", store_id)


class _Read(NamedTuple):
    """A file whose text is known and whose vectors are to come; `note` tells what is not in it."""

    file: FoundFile
    draft: Draft
    seen: IndexedFile
    note: str | None


class _Run:
    """One synchronization."""

    def __init__(
        self,
        target: Target,
        store: VectorStoreInfo,
        held: Mapping[str, StoredDocument],
        indexed: Mapping[str, IndexedFile],
        progress: Progress,
    ) -> None:
        self.parser = DocumentParser(target.limits)
        self._store_id = target.store_id
        self._files = target.indexed
        self._writer = DocumentWriter(target.engine, store, held)
        self._held = held
        self._indexed = indexed
        self._progress = progress

    async def delete(self, document_ids: Sequence[str]) -> None:
        """Remove documents whose file is gone."""
        for document_id in document_ids:
            async with self._failing_alone(document_id):
                await self._writer.delete(document_id)
                self._progress.settled(document_id, FileState.DELETED)
        if document_ids:
            await self._files.forget(self._store_id, document_ids)

    async def bring_in(self, files: Sequence[FoundFile], on_text: OnText) -> None:
        """Index what is new or changed: first the text of a window of files, then its vectors.

        While vectors are computed the next window is read.
        """
        changed = [file for file in files if self._is_to_be_read(file)]
        self._progress.await_reading((_format(file), file.size) for file in changed)
        window: list[_Read] = []
        for following in [*_windows(changed), []]:
            try:
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(self._read_all(following), name="reading ahead")
                    await self._store_vectors(window)
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from failures
            window = reading.result()
            if window:
                on_text()

    async def _read_all(self, files: Sequence[FoundFile]) -> list["_Read"]:
        found: list[_Read] = []
        for file in files:
            async with self._failing_alone(file.name):
                if read := await self._read(file):
                    found.append(read)
        return found

    async def _store_vectors(self, window: Sequence["_Read"]) -> None:
        for read in window:
            async with self._failing_alone(read.file.name):
                await self._writer.store_vectors(read.draft, self._progress.embedded)
                await self._files.remember(self._store_id, [read.seen])
                self._progress.settled(
                    read.file.name,
                    FileState.INDEXED,
                    reason=read.note,
                    chunks=len(read.draft.chunks),
                )

    def _is_to_be_read(self, file: FoundFile) -> bool:
        """Say whether a file may differ from what is stored; note it where it is known not to."""
        if file.problem is not None:
            self._progress.settled(file.name, FileState.FAILED, reason=file.problem)
            return False
        seen = self._indexed.get(file.document_id)
        if seen is None or not seen.stamp or seen.stamp != file.stamp:
            return True
        if not self._is_stored(file, seen):
            return True
        self._progress.unchanged()
        return False

    def _is_stored(self, file: FoundFile, seen: IndexedFile) -> bool:
        held = self._held.get(file.document_id)
        return (
            held is not None
            and seen.form == _form(file)
            and (held.content_hash, held.chunks) == (seen.content_hash, seen.chunks)
            and not held.pending
        )

    async def _read(self, file: FoundFile) -> "_Read | None":
        """Read a file and store its text; None when nothing is left to do."""
        self._progress.read(_format(file), file.size)
        seen = self._indexed.get(file.document_id)
        file_hash = await asyncio.to_thread(hash_of, file.path)
        if seen is not None and seen.file_hash == file_hash and self._is_stored(file, seen):
            await self._keep(replace(seen, stamp=file.stamp))
            return None
        found = await self._document(file)
        if found is None:
            await self._leave_out(file)
            return None
        document, note = found
        # Chunks tell the hash of their file, so another file of the same text is written anew.
        is_redone = seen is not None and (seen.form, seen.file_hash) != (_form(file), file_hash)
        draft = await self._writer.draft(document, _manner(file), is_redone=is_redone)
        held = self._held.get(file.document_id)
        now = IndexedFile(
            document_id=file.document_id,
            stamp=file.stamp,
            file_hash=file_hash,
            form=_form(file),
            content_hash=document.content_hash,
            chunks=len(draft.chunks) if draft else held.chunks if held else 0,
        )
        if draft is None:
            await self._keep(now)
            return None
        self._progress.found(draft.lacking)
        self._progress.begun(file.name, len(draft.chunks))
        await self._writer.store_text(draft)
        return _Read(file, draft, now, note)

    async def _document(self, file: FoundFile) -> tuple[SourceDocument, str | None] | None:
        """Read a file, with what of it could not be read; None stands for one without text.

        Raises `UnreadableFile`.
        """
        if file.is_own:
            own = await asyncio.to_thread(load_document, file)
            return own and (own, None)
        if await asyncio.to_thread(is_blank, file):
            return None
        parsed = await self.parser.parse(file.path, name=file.name)
        document = parsed.document(file.document_id, url=file.url, is_kept=file.is_kept)
        if file.title is not None:
            document = replace(document, title=file.title)
        return document, "; ".join(parsed.notes) or None

    async def _keep(self, seen: IndexedFile) -> None:
        await self._files.remember(self._store_id, [seen])
        self._progress.unchanged()

    async def _leave_out(self, file: FoundFile) -> None:
        if file.document_id in self._held:
            await self._writer.delete(file.document_id)
            await self._files.forget(self._store_id, [file.document_id])
        self._progress.settled(file.name, FileState.SKIPPED, reason=_EMPTY)

    @asynccontextmanager
    async def _failing_alone(self, name: str) -> AsyncGenerator[None]:
        """Note the failure of one file, and go on with the next."""
        try:
            yield
        except (EngineUnavailable, StoreUnavailable):
            raise
        except LightspeedError as error:
            logger.warning("document not indexed document_id=%s: %s", name, error)
            reason = error.reason if isinstance(error, UnreadableFile) else error.cause
            self._progress.settled(name, FileState.FAILED, reason=reason)
        except OSError as error:
            logger.warning("file not read name=%s: %s", name, error.strerror)
            reason = f"it cannot be read: {error.strerror}"
            self._progress.settled(name, FileState.FAILED, reason=reason)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _format(file: FoundFile) -> str:
    return file.path.suffix.lower()


def _form(file: FoundFile) -> str:
    form = f"{FORM} {file.url or ''}"
    if not file.attributes and file.max_chunk_tokens is None:
        return form
    return f"{form} {file.max_chunk_tokens} {json.dumps(dict(file.attributes), sort_keys=True)}"


def _manner(file: FoundFile) -> Manner:
    return Manner(max_tokens=file.max_chunk_tokens or MAX_TOKENS, attributes=file.attributes)


def _windows(files: Sequence[FoundFile]) -> Iterator[list[FoundFile]]:
    window: list[FoundFile] = []
    room = most = _FIRST_WINDOW
    for file in files:
        window.append(file)
        room -= file.size
        if room <= 0:
            yield window
            room = most = min(2 * most, _LARGEST_WINDOW)
            window = []
    if window:
        yield window
