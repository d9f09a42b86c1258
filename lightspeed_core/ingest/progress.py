"""How far a job has come, counted as it works. Knows neither store nor screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lightspeed_core.ingest.jobs import Counts, FileState, JobFile


def _ignore(counts: Counts) -> None:
    del counts


@dataclass(slots=True)
class Progress:
    """Counts what is done and tells it; what became of files is kept until `take_files`.

    Chunks of files that were not read yet are estimated from those of the files that were.
    """

    on_change: Callable[[Counts], None] = _ignore
    _total: int = 0
    _done: int = 0
    _unchanged: int = 0
    _failed: int = 0
    _deleted: int = 0
    _embedded: int = 0
    _known_chunks: int = 0
    _read_bytes: int = 0
    _unread_bytes: int = 0
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

    def begin(self, files: int) -> None:
        """Note how many files there are."""
        self._total = files
        self.on_change(self.counts)

    def await_reading(self, sizes: Sequence[int]) -> None:
        """Note the sizes, in bytes, of the files that will be read."""
        self._unread_bytes = sum(sizes)
        self.on_change(self.counts)

    def await_copying(self, chunks: int, copied: int) -> None:
        """Note how many chunks will be embedded, and how many documents are whole already."""
        self._known_chunks = self._embedded + chunks
        self._unchanged = copied
        self._done = copied
        self.on_change(self.counts)

    def read(self, size: int) -> None:
        """Note that a file of so many bytes is being read."""
        self._unread_bytes -= size
        self._read_bytes += size

    def found(self, chunks: int) -> None:
        """Note chunks that lack a vector."""
        self._known_chunks += chunks
        self.on_change(self.counts)

    def embedded(self, chunks: int) -> None:
        """Note that vectors were computed."""
        self._embedded += chunks
        self.on_change(self.counts)

    def unchanged(self) -> None:
        """Note a file that needs no work."""
        self._unchanged += 1
        self._done += 1
        self.on_change(self.counts)

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
        self.on_change(self.counts)

    def take_files(self) -> list[JobFile]:
        """Return what became of files since the last time."""
        files, self._files = list(self._files.values()), {}
        return files

    def give_back(self, files: Sequence[JobFile]) -> None:
        """Keep what was taken and could not be told; later news of a file count."""
        self._files = {file.name: file for file in files} | self._files

    def _expected_chunks(self) -> int:
        if not self._read_bytes:
            return 0
        return round(self._unread_bytes * self._known_chunks / self._read_bytes)
