"""What somebody who watches sees: numbers that add up, in lines that fit."""

import io
import re

import pytest
from rich.console import Console

from lightspeed_core.cli.progress_view import LineView, Pace, bars
from lightspeed_core.ingest.jobs import Counts, FileState
from lightspeed_core.ingest.progress import Progress


def under_way() -> Progress:
    """Have 3 of 200 files done, 10 read, and 40 of some hundred chunks embedded."""
    progress = Progress()
    progress.begin(200)
    progress.await_reading([(".md", 1000)] * 200)
    for _ in range(10):
        progress.read(".md", 1000)
        progress.found(20)
    progress.embedded(40)
    for name in "abc":
        progress.settled(name, FileState.INDEXED, chunks=13)
    return progress


def shown(progress: Progress | None, width: int) -> list[str]:
    """Return the lines that are left on a screen of some width."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, legacy_windows=False)
    with bars(console) as view:
        if progress is not None:
            view.show(progress)
    file = console.file
    assert isinstance(file, io.StringIO)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    last = plain.split("\r")[-1]
    return [line.rstrip() for line in last.split("\n") if line.strip()]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_bars_tell_files_and_chunks_in_a_line_each(width: int) -> None:
    files, chunks = shown(under_way(), width)
    assert re.fullmatch(r"files  \S+ +3/200  10/200 read", files)
    assert re.fullmatch(r"chunks \S+ +40/~2733  -:-- left", chunks)
    assert len(files) <= width


def test_a_start_is_told_before_anything_is_known() -> None:
    (line,) = shown(None, 80)
    assert line.startswith("starting")
    assert "None" not in line


def test_without_anything_to_embed_there_is_no_bar_of_chunks() -> None:
    progress = Progress()
    progress.begin(2)
    progress.unchanged()
    progress.unchanged()
    (line,) = shown(progress, 80)
    assert re.fullmatch(r"files  \S+ +2/2", line)


def test_what_is_left_goes_by_the_pace_of_late() -> None:
    pace = Pace()

    def left(now: float, embedded: int) -> float | None:
        return pace.seconds_left(Counts(chunks_total=1000, chunks_embedded=embedded), now)

    assert left(-100, 0) is None
    assert left(0, 10) is None
    assert left(1, 20) is None
    assert left(9, 100) == 90
    estimate: float | None = None
    # Ten times as slow from here on.
    for second in range(19, 200, 10):
        estimate = left(second, 100 + (second - 9))
    assert estimate == pytest.approx(1000 - 290)
    # Standing still takes longer and longer.
    assert (left(260, 290) or 0) > (left(220, 290) or 0)


def test_lines_tell_the_same_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = LineView(seconds_between=0)
    view.show(under_way())
    view.show(under_way())
    assert capsys.readouterr().err == (
        "10 of 200 files read, 3 of 200 files, 40 of about 2733 chunks, -:-- left\n"
    )
