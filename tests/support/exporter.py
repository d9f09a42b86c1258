"""A stand-in for the exporter that shares the service's directories.

It does what the real one does: finds `*.json` below a root, reads and removes them, and removes
the directories that this leaves empty.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAUSE_SECONDS = 0.002


@dataclass
class Exporter:
    """What was collected: documents by path below the root, and the files that were not whole."""

    root: Path
    collected: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    broken: list[str] = field(default_factory=list[str])

    def collect(self) -> None:
        """Take what is there."""
        for file in sorted(self.root.rglob("*.json")):
            if file.is_symlink() or not file.is_file():
                continue
            name = file.relative_to(self.root).as_posix()
            try:
                self.collected[name] = json.loads(file.read_bytes())
            except ValueError:
                self.broken.append(name)
            file.unlink()
            self._remove_empty(file.parent)

    def below(self, folder: str) -> dict[str, dict[str, Any]]:
        """Return what was collected below one of the root's folders."""
        return {
            name: document
            for name, document in self.collected.items()
            if name.startswith(f"{folder}/")
        }

    def _remove_empty(self, directory: Path) -> None:
        with suppress(OSError):
            while directory != self.root:
                directory.rmdir()
                directory = directory.parent


@contextmanager
def exporting(root: Path) -> Generator[Exporter]:
    """Collect all the time, and once more at the end."""
    exporter = Exporter(root)
    is_done = threading.Event()

    def run() -> None:
        while not is_done.wait(PAUSE_SECONDS):
            exporter.collect()

    thread = threading.Thread(target=run, name="exporter")
    thread.start()
    try:
        yield exporter
    finally:
        is_done.set()
        thread.join()
    exporter.collect()
