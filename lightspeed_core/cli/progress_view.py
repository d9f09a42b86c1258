"""How far a command is: a bar on a terminal, lines elsewhere, or nothing. Knows no job."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol, override

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from lightspeed_core.ingest.jobs import Counts

_SECONDS_BETWEEN_LINES: Final = 5.0


class ProgressView(Protocol):
    """Shows counts."""

    def show(self, counts: Counts) -> None:
        """Show how far it is."""
        ...

    def say(self, text: str) -> None:
        """Say something once."""
        ...


class SilentView(ProgressView):
    """Shows nothing."""

    @override
    def show(self, counts: Counts) -> None:
        pass

    @override
    def say(self, text: str) -> None:
        pass


class LineView(ProgressView):
    """Writes a line every few seconds, when something has changed."""

    def __init__(self) -> None:
        self._shown = Counts()
        self._shown_at = time.monotonic()

    @override
    def show(self, counts: Counts) -> None:
        now = time.monotonic()
        if counts != self._shown and now - self._shown_at >= _SECONDS_BETWEEN_LINES:
            self._shown, self._shown_at = counts, now
            self.say(
                f"{counts.files_done} of {counts.files_total} files, "
                f"{counts.chunks_embedded} of {counts.chunks_total} chunks"
            )

    @override
    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class BarView(ProgressView):
    """Draws a bar for files and one for chunks, with the time that is left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._files = progress.add_task("files", total=None)
        self._chunks = progress.add_task("chunks", total=None)

    @override
    def show(self, counts: Counts) -> None:
        self._progress.update(
            self._files, completed=counts.files_done, total=counts.files_total or None
        )
        self._progress.update(
            self._chunks, completed=counts.chunks_embedded, total=counts.chunks_total or None
        )

    @override
    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False)


def open_view(*, is_shown: bool) -> AbstractContextManager[ProgressView]:
    """Choose how progress is shown, by what stderr is."""
    if not is_shown:
        return nullcontext(SilentView())
    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext(LineView())
    return _Bars(console)


class _Bars(AbstractContextManager[ProgressView]):
    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<6}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total}"),
            TaskProgressColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )

    @override
    def __enter__(self) -> ProgressView:
        self._progress.start()
        return BarView(self._progress)

    @override
    def __exit__(self, *_: object) -> None:
        self._progress.stop()
