"""How much is left is estimated from files of the same format."""

from lightspeed_core.ingest.jobs import FileState
from lightspeed_core.ingest.progress import Progress


def test_chunks_are_expected_of_a_file_as_of_others_of_its_format() -> None:
    progress = Progress()
    progress.begin(3)
    progress.await_reading([(".md", 100_000), (".md", 300_000), (".pdf", 1_000_000)])
    usual = progress.counts.chunks_total
    assert 400 < usual < 1000
    progress.read(".md", 100_000)
    progress.found(1000)
    assert 3500 < progress.counts.chunks_total < 4100
    progress.read(".md", 300_000)
    progress.found(3000)
    assert progress.counts.chunks_total == 4000 + 50
    assert (progress.files_read, progress.files_to_read) == (2, 3)


def test_nothing_is_expected_once_all_is_read() -> None:
    progress = Progress()
    progress.await_reading([(".md", 100), (".md", 0)])
    progress.read(".md", 100)
    progress.found(3)
    progress.read(".md", 0)
    assert progress.counts.chunks_total == 3


def test_each_step_is_told() -> None:
    told: list[tuple[int, int, int]] = []

    def note(progress: Progress) -> None:
        counts = progress.counts
        told.append((progress.files_read, counts.files_done, counts.chunks_embedded))

    progress = Progress(note)
    progress.begin(1)
    progress.await_reading([(".md", 1)])
    progress.read(".md", 1)
    progress.found(1)
    progress.embedded(1)
    progress.settled("one.md", FileState.INDEXED, chunks=1)
    assert told == [(0, 0, 0), (0, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1)]
