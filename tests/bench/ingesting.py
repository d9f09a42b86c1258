"""Measures how late the event loop of a service is while it ingests documents and streams answers.

Twenty callers stream from a model that takes its time, and each question searches the vector
stores first. Meanwhile a watched folder gets the texts of the ranking's frozen set, which are real
prose and about a thousand chunks, and the shipped model embeds them.
"""

import json
import shutil
import sqlite3
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.bench.processes import ROOT, Meter, wait_for
from tests.bench.requests_plan import RETRIEVING, TOKENS, measured_load
from tests.bench.samples import Batch, percentile
from tests.bench.serving import service_settings, told_when_ended
from tests.bench.store_starts import CONFIG
from tests.support.frozen_set import CORPUS
from tests.support.service import Service, running_service
from tests.support.stub_llm import stub_llm

STREAMS: Final = 20
_REQUESTS: Final = 5 * STREAMS
_QUIET_WINDOWS: Final = 2
# The probe writes what it found twice a second.
_WRITTEN_AFTER: Final = 1.0
_LONGEST: Final = 120.0
_BEGUN: Final = "job begun"
_ENDED: Final = "job ended"
_SERVED: Final = "request served"
_PACED: Final = ("--first", "200", "--delay", "20", "--tokens", str(TOKENS))


@dataclass(frozen=True)
class Window:
    """What some streams found; `lags` are seconds that the event loop was late."""

    lags: Sequence[float]
    batch: Batch


@dataclass(frozen=True)
class Lateness:
    """Seconds that the event loop was late, and what those who streamed had of it."""

    windows: Sequence[Window]

    def lag(self, share: float) -> float:
        """Return the lag below which this share of all moments lies; 1 gives the longest."""
        return percentile([lag for window in self.windows for lag in window.lags], share)

    @property
    def batches(self) -> Sequence[Batch]:
        """The load of each window."""
        return [window.batch for window in self.windows]


@dataclass(frozen=True)
class Ingesting:
    """The same streams before and after an ingestion (`quiet`), and during it (`busy`)."""

    quiet: Lateness
    busy: Lateness
    chunks: int
    seconds: float


def measure_ingesting(folder: Path) -> Ingesting:
    """Run a service over an empty watched folder, and fill this while it streams."""
    watched, prepared, lags = folder / "watched", folder / "prepared", folder / "lags"
    watched.mkdir(parents=True)
    shutil.copytree(CORPUS, prepared)
    config = folder / "lcs.yaml"
    section = {"folders": [{"path": str(watched), "store": "handbook", "watch": True}]}
    config.write_text(f"{CONFIG}knowledge: {json.dumps(section)}\n")
    with (
        stub_llm(*_PACED) as stub,
        running_service(
            folder / "data",
            environment=service_settings(stub.base_url) | {"PYTHONPATH": str(ROOT)},
            config=config,
            program=(sys.executable, "-m", "tests.bench.probed_service", str(lags)),
        ) as service,
        told_when_ended(service),
    ):
        wait_for(service.port, "/readiness")
        streams = _Streams(service, Meter(service.process.pid), lags)
        streams.window()
        quiet = [streams.window() for _ in range(_QUIET_WINDOWS)]
        # At once, as a folder that is renamed is found whole.
        busy = streams.during_job(lambda: prepared.rename(watched / "handbook"))
        quiet += [streams.window() for _ in range(_QUIET_WINDOWS)]
        seconds = _seconds_of_job(service.output())
        service.terminate()
    chunks = _chunks_in(folder / "data" / "knowledge.db")
    return Ingesting(Lateness(quiet), Lateness(busy), chunks, seconds)


class _Streams:
    """Those who stream from a service whose event loop is probed."""

    def __init__(self, service: Service, meter: Meter, lags: Path) -> None:
        self._service = service
        self._meter = meter
        self._lags = lags

    def window(self) -> Window:
        """Stream for some seconds, once the service has nothing else to do."""
        self._meter.settle()
        return self._window()

    def during_job(self, begin: Callable[[], object]) -> Sequence[Window]:
        """Stream as long as the job that `begin` brings about, on a slow machine during its start.

        A window that outlasts the job does not count, unless it is the only one.
        """
        begun, ended = self._told(_BEGUN), self._told(_ENDED)
        begin()
        while self._told(_BEGUN) == begun:
            time.sleep(0.05)
        until = time.monotonic() + _LONGEST
        windows = [self._window()]
        while self._told(_ENDED) == ended and time.monotonic() < until:
            window = self._window()
            if self._told(_ENDED) == ended:
                windows.append(window)
        return windows

    def _window(self) -> Window:
        began = time.monotonic()
        batch = measured_load(
            f"{self._service.url}/v1/streaming_query",
            [RETRIEVING],
            self._meter,
            callers=STREAMS,
            requests=_REQUESTS,
        )
        ended = time.monotonic()
        time.sleep(_WRITTEN_AFTER)
        return Window(_lags_between(self._lags, began, ended), batch)

    def _told(self, text: str) -> int:
        return self._service.output().count(text)


def _lags_between(path: Path, began: float, ended: float) -> Sequence[float]:
    found = array("d")
    found.frombytes(path.read_bytes())
    return [lag for due, lag in zip(found[::2], found[1::2], strict=True) if began <= due <= ended]


def _seconds_of_job(output: str) -> float:
    """Read in the log how long the last job took, or has taken when it is not over."""
    lines = output[output.rindex(_BEGUN) :].splitlines()
    begun = output[: output.rindex(_BEGUN)].splitlines()[-1]
    told = [line for line in lines if _ENDED in line] or [x for x in lines if _SERVED in x]
    return (_time_of(told[-1]) - _time_of(begun)).total_seconds()


def _time_of(line: str) -> datetime:
    return datetime.fromisoformat(line.split(maxsplit=1)[0])


def _chunks_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT sum(vectors) FROM stores").fetchone()[0])
