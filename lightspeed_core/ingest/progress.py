"""How far a job has come, counted as it works. Knows neither store nor screen."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lightspeed_core.ingest.jobs import Counts, FileState, JobFile


def _ignore(progress: "Progress") -> None:
    del progress


# Bytes of a file for each of its chunks, as long as nothing better is known.
_USUAL: Final = 700
_USUAL_BY_FORMAT: Final = {
    ".pdf": 20_000,
    ".docx": 10_000,
    ".pptx": 40_000,
    ".xlsx": 5_000,
    ".html": 3_000,
}
# So many chunks have to be found before a format is judged by these more than by what is usual.
_CHUNKS_OF_TRUST: Final = 8


@dataclass(slots=True)
class _Format:
    """Files of one format: bytes to be read and bytes read, and the chunks that came of these."""

    usual: int = _USUAL
    unread: int = 0
    read: int = 0
    chunks: int = 0

    @property
    def expected(self) -> float:
        """Chunks that will come of the bytes to be read."""
        found = self.chunks + _CHUNKS_OF_TRUST
        return self.unread * found / (self.read + _CHUNKS_OF_TRUST * self.usual)


@dataclass(slots=True)
class Progress:
    """Counts what is done and tells it; what became of files is kept until `take_files`.

    Chunks of files that were not read yet are estimated from files of the same format that were.
    """

    on_change: Callable[["Progress"], None] = _ignore
    _total: int = 0
    _done: int = 0
    _unchanged: int = 0
    _failed: int = 0
    _deleted: int = 0
    _embedded: int = 0
    _known_chunks: int = 0
    _to_read: int = 0
    _read: int = 0
    _reading: _Format = field(default_factory=_Format)
    _formats: dict[str, _Format] = field(default_factory=dict[str, _Format])
    _files: dict[str, JobFile] = field(default_factory=dict[str, JobFile])

    @property
    def counts(self) -> Counts:
        """The numbers as they are now."""
        return Counts(
            files_total=self._total,
            files_done=self._done,
            files_unchanged=self._unchanged,
            files_failed=self._failed,
            files_deleted=self._deleted,
            chunks_total=self._known_chunks + self._expected_chunks(),
            chunks_embedded=self._embedded,
        )

    @property
    def files_to_read(self) -> int:
        """How many files have to be read, those that are read already among them."""
        return self._to_read

    @property
    def files_read(self) -> int:
        """How many of these are read, or being read."""
        return self._read

    def begin(self, files: int) -> None:
        """Note how many files there are."""
        self._total = files
        self._tell()

    def await_reading(self, files: Iterable[tuple[str, int]]) -> None:
        """Note the formats of the files that will be read, and their sizes in bytes."""
        for kind, size in files:
            self._format(kind).unread += size
            self._to_read += 1
        self._tell()

    def await_copying(self, chunks: int, copied: int) -> None:
        """Note how many chunks will be embedded, and how many documents are whole already."""
        self._known_chunks = self._embedded + chunks
        self._unchanged = copied
        self._done = copied
        self._tell()

    def read(self, kind: str, size: int) -> None:
        """Note that a file of a format and of so many bytes is being read."""
        self._reading = self._format(kind)
        self._reading.unread -= size
        self._reading.read += size
        self._read += 1
        self._tell()

    def found(self, chunks: int) -> None:
        """Note chunks of the file that is being read which lack a vector."""
        self._reading.chunks += chunks
        self._known_chunks += chunks
        self._tell()

    def embedded(self, chunks: int) -> None:
        """Note that vectors were computed."""
        self._embedded += chunks
        self._tell()

    def unchanged(self) -> None:
        """Note a file that needs no work."""
        self._unchanged += 1
        self._done += 1
        self._tell()

    def begun(self, name: str, chunks: int) -> None:
        """Note that work on a file has begun."""
        self._files[name] = JobFile(name=name, state=FileState.RUNNING, chunks=chunks)

    def settled(
        self, name: str, state: FileState, *, reason: str | None = None, chunks: int = 0
    ) -> None:
        """Note what became of a file."""
        self._files[name] = JobFile(name=name, state=state, reason=reason, chunks=chunks)
        is_deleted = state is FileState.DELETED
        self._deleted += is_deleted
        self._done += not is_deleted
        self._failed += state is FileState.FAILED
        self._tell()

    def take_files(self) -> list[JobFile]:
        """Return what became of files since the last time."""
        files, self._files = list(self._files.values()), {}
        return files

    def give_back(self, files: Sequence[JobFile]) -> None:
        """Keep what was taken and could not be told; later news of a file count."""
        self._files = {file.name: file for file in files} | self._files

    def _tell(self) -> None:
        self.on_change(self)

    def _format(self, kind: str) -> _Format:
        return self._formats.setdefault(kind, _Format(_USUAL_BY_FORMAT.get(kind, _USUAL)))

    def _expected_chunks(self) -> int:
        return round(sum(each.expected for each in self._formats.values()))
