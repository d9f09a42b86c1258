"""Reads files through a process that is bounded in time, memory and output and has no network.

What that process says is data: nothing of it is unpickled or run.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.domain.retrieval import PageSpan, SourceDocument, SourceFile
from lightspeed_core.errors import UnreadableFile
from lightspeed_core.ingest.parse.wire import (
    LONGEST_LINE,
    Answer,
    GarbledAnswer,
    Request,
    read_answer,
)

logger = logging.getLogger(__name__)

FILES_PER_PROCESS: Final = 100
"""So many files, and what they left behind in memory goes with the process."""

_BROKEN_PIPE: Final = (EOFError, ConnectionError, asyncio.LimitOverrunError, GarbledAnswer)
_COMMAND: Final = ("-I", "-B", "-m", "lightspeed_core.ingest.parse.child")
_ENVIRONMENT: Final = {"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """The text of a file, the same for the same bytes, with what its format tells besides.

    `title` is never empty. `notes` say what of the file could not be read.
    """

    text: str = field(repr=False)
    title: str
    media_type: str
    language: str | None
    pages: tuple[PageSpan, ...] = field(repr=False)
    file: SourceFile
    notes: tuple[str, ...] = ()

    def document(
        self,
        document_id: str,
        *,
        url: str | None = None,
        source: str | None = None,
        is_kept: bool = True,
    ) -> SourceDocument:
        """Make it a document. `is_kept` says whether the file stays, so that it can change."""
        return SourceDocument(
            document_id=document_id,
            text=self.text,
            content_hash=hashlib.sha256(self.text.encode()).hexdigest(),
            title=self.title,
            url=url,
            source=source,
            media_type=self.media_type,
            language=self.language,
            pages=self.pages,
            file=self.file if is_kept else None,
        )


class DocumentParser:
    """Reads one file after the other, as an asynchronous context; calls may overlap and queue."""

    def __init__(self, limits: ParseLimits, *, files_per_process: int = FILES_PER_PROCESS) -> None:
        self._limits = limits
        self._files_per_process = files_per_process
        self._process: Process | None = None
        self._served = 0
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def parse(self, path: Path, *, name: str | None = None) -> ParsedDocument:
        """Read a file. `name` is the one that it was sent under, where the path has another.

        Raises `UnreadableFile` with a reason for people; the next file is read all the same.
        """
        called = name or path.name
        async with self._turn:
            try:
                answer, text = await self._ask(path, called)
            except BaseException:
                # In the middle of an answer nothing more can be asked.
                await self._end()
                raise
            if answer.is_last or self._served >= self._files_per_process:
                await self._end()
        if answer.reason is not None:
            raise UnreadableFile(called, answer.reason)
        return _document(path, called, answer, text)

    async def _ask(self, path: Path, name: str) -> tuple[Answer, bytes]:
        request = Request.of(path, name, self._limits)
        process = self._process or await self._start()
        self._served += 1
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await _exchange(process, request)
        except TimeoutError:
            reason = f"took longer than {self._limits.seconds:g} seconds"
        except _BROKEN_PIPE as error:
            logger.info("file broke its reader: %r", error)
            reason = _why(await self._end(), self._limits)
        raise UnreadableFile(name, reason) from None

    async def _start(self) -> Process:
        # No descriptor but the pipe is inherited, and nothing of our environment.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *_COMMAND,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_ENVIRONMENT,
            cwd=os.sep,
            limit=LONGEST_LINE,
        )
        self._served = 0
        return self._process

    async def _end(self) -> int | None:
        """End the process; gives its exit code, negative for a signal that was not ours."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.stdin is not None:
            process.stdin.close()
        # It may have ended by itself, which tells why.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5 if _is_finished(process) else 0):
                return await process.wait()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return None


async def parse(
    path: Path, *, limits: ParseLimits | None = None, name: str | None = None
) -> ParsedDocument:
    """Read one file in a process of its own. Raises `UnreadableFile`."""
    async with DocumentParser(limits or ParseLimits()) as parser:
        return await parser.parse(path, name=name)


def _is_finished(process: Process) -> bool:
    return process.stdout is None or process.stdout.at_eof()


async def _exchange(process: Process, request: Request) -> tuple[Answer, bytes]:
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise ConnectionError("the process has no pipes")
    stdin.write(request.line())
    await stdin.drain()
    answer = read_answer(await stdout.readuntil(b"\n"), request.limits)
    return answer, await stdout.readexactly(answer.text_bytes)


def _document(path: Path, name: str, answer: Answer, text: bytes) -> ParsedDocument:
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise UnreadableFile(name, "broke its reader") from None
    return ParsedDocument(
        text=decoded,
        title=answer.title or Path(name).stem or name,
        media_type=answer.media_type,
        language=answer.language,
        pages=answer.spans,
        file=SourceFile(
            path=str(path.absolute()),
            size=answer.size,
            modified_ns=answer.modified_ns,
            digest=answer.digest,
        ),
        notes=tuple(answer.notes),
    )


def _why(exit_code: int | None, limits: ParseLimits) -> str:
    if exit_code is None:
        return "broke its reader"
    if exit_code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return f"took more than {limits.processor_seconds} seconds of processor time"
    if exit_code == -signal.SIGABRT:
        return f"broke its reader; perhaps it needs more than {limits.memory_mib} MiB of memory"
    return f"broke its reader (exit code {exit_code})"
