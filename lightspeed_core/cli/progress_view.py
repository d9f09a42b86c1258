"""How far a command is: bars on a terminal, lines elsewhere, or nothing. Knows no job."""

import sys
import time
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol, override

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from lightspeed_core.ingest.jobs import Counts
from lightspeed_core.ingest.progress import Progress as Work

_SECONDS_BETWEEN_LINES: Final = 5.0
_WIDEST_BAR: Final = 40
# A speed is that of the last minute: long enough for files of all kinds.
_PACE_SECONDS: Final = 60.0
_FIRST_PACE_SECONDS: Final = 5.0


class ProgressView(Protocol):
    """Shows how far work is."""

    def show(self, work: Work) -> None:
        """Show how far it is."""
        ...

    def say(self, text: str) -> None:
        """Say something once."""
        ...


class SilentView(ProgressView):
    """Shows nothing."""

    @override
    def show(self, work: Work) -> None:
        pass

    @override
    def say(self, text: str) -> None:
        pass


class Pace:
    """How fast chunks are embedded of late, and so how long the rest will take."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def seconds_left(self, counts: Counts, now: float) -> float | None:
        """Return the seconds that are left; None as long as nothing can be said."""
        # What was read before the first vector says nothing of the pace.
        if not counts.chunks_embedded:
            return None
        if not self._samples or counts.chunks_embedded > self._samples[-1][1]:
            self._samples.append((now, counts.chunks_embedded))
        while len(self._samples) > 2 and now - self._samples[0][0] > _PACE_SECONDS:
            self._samples.popleft()
        began, embedded = self._samples[0]
        done, seconds = counts.chunks_embedded - embedded, now - began
        if not done or seconds < _FIRST_PACE_SECONDS:
            return None
        return max(0, counts.chunks_total - counts.chunks_embedded) * seconds / done


class LineView(ProgressView):
    """Writes a line every few seconds, when something has changed."""

    def __init__(self, *, seconds_between: float = _SECONDS_BETWEEN_LINES) -> None:
        self._seconds_between = seconds_between
        self._shown: tuple[Counts, int] = (Counts(), 0)
        self._shown_at = time.monotonic()
        self._pace = Pace()

    @override
    def show(self, work: Work) -> None:
        now, seen = time.monotonic(), (work.counts, work.files_read)
        left = self._pace.seconds_left(work.counts, now)
        if seen != self._shown and now - self._shown_at >= self._seconds_between:
            self._shown, self._shown_at = seen, now
            self.say(", ".join(filter(None, (_read(work), *_done(work), _left(left)))))

    @override
    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class BarView(ProgressView):
    """Draws a bar for files and one for chunks, with the time that is left for both."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pace = Pace()
        self._files: TaskID | None = None
        self._chunks: TaskID | None = None
        self._starting = progress.add_task("starting", total=None, told="")

    @override
    def show(self, work: Work) -> None:
        counts = work.counts
        if self._files is None or self._chunks is None:
            self._progress.remove_task(self._starting)
            self._files = self._progress.add_task("files", told="", visible=False)
            self._chunks = self._progress.add_task("chunks", told="", visible=False)
        left = self._pace.seconds_left(counts, self._progress.get_time())
        is_known = work.files_read == work.files_to_read
        self._progress.update(
            self._files,
            total=counts.files_total,
            completed=counts.files_done,
            told=f"{counts.files_done}/{counts.files_total}  "
            + ("" if is_known else f"{work.files_read}/{work.files_to_read} read"),
            visible=True,
        )
        self._progress.update(
            self._chunks,
            total=counts.chunks_total,
            completed=counts.chunks_embedded,
            told=f"{counts.chunks_embedded}/{'' if is_known else '~'}{counts.chunks_total}  "
            + (_left(left) if counts.chunks_embedded < counts.chunks_total else ""),
            visible=counts.chunks_total > 0,
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
    return bars(console)


def bars(console: Console) -> AbstractContextManager[ProgressView]:
    """Draw bars on a terminal."""
    return _Bars(console)


class _Bars(AbstractContextManager[ProgressView]):
    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<6}"),
            BarColumn(min(_WIDEST_BAR, max(4, console.width - 34))),
            TextColumn("{task.fields[told]}", markup=False),
            console=console,
        )

    @override
    def __enter__(self) -> ProgressView:
        self._progress.start()
        return BarView(self._progress)

    @override
    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _read(work: Work) -> str:
    if work.files_read == work.files_to_read:
        return ""
    return f"{work.files_read} of {work.files_to_read} files read"


def _done(work: Work) -> tuple[str, str]:
    counts = work.counts
    about = "" if work.files_read == work.files_to_read else "about "
    return (
        f"{counts.files_done} of {counts.files_total} files",
        f"{counts.chunks_embedded} of {about}{counts.chunks_total} chunks",
    )


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "-:-- left"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{clock} left"
