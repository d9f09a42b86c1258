import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from lightspeed_core.user_data.files import JsonFiles, write_json

DOCUMENT = {"text": "Ünïcödé", "missing": None}


@pytest.fixture
def failures() -> list[None]:
    return []


@pytest.fixture
def files(failures: list[None]) -> JsonFiles:
    return JsonFiles(lambda: failures.append(None), patience=0.2)


def entries(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


async def test_a_file_is_written_with_its_directories_and_nothing_beside_it(
    files: JsonFiles, tmp_path: Path
) -> None:
    path = tmp_path / "a" / "b" / "one.json"

    await files.write(path, DOCUMENT)

    assert path.read_bytes() == b'{"text": "\\u00dcn\\u00efc\\u00f6d\\u00e9", "missing": null}'
    assert entries(path.parent) == {"one.json"}


async def test_a_file_of_the_same_name_is_replaced(files: JsonFiles, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    await files.write(path, {"n": 1})
    await files.write(path, {"n": 2})

    assert json.loads(path.read_text()) == {"n": 2}
    assert entries(tmp_path) == {"one.json"}


async def test_a_file_that_cannot_be_written_is_counted_and_leaves_nothing(
    files: JsonFiles, failures: list[None], tmp_path: Path
) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("a file where a directory should be")

    with pytest.raises(OSError, match="obstacle"):
        await files.write(obstacle / "one.json", DOCUMENT)
    # A directory of that name cannot be replaced, so the last step fails.
    (tmp_path / "two.json").mkdir()
    with pytest.raises(OSError, match=r"two\.json"):
        await files.write(tmp_path / "two.json", DOCUMENT)

    assert len(failures) == 2
    assert entries(tmp_path) == {"obstacle", "two.json"}


async def test_what_is_not_json_is_counted(
    files: JsonFiles, failures: list[None], tmp_path: Path
) -> None:
    with pytest.raises(TypeError):
        await files.write(tmp_path / "one.json", {"path": tmp_path})

    assert len(failures) == 1
    assert entries(tmp_path) == set()


async def test_a_disk_that_hangs_is_given_up_in_time(
    files: JsonFiles, failures: list[None], tmp_path: Path
) -> None:
    # Opening a pipe that nobody reads hangs as a dead network disk does.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    class Hanging(dict[str, str]):
        """Takes as long to be encoded as somebody takes to read the pipe."""

        def items(self):
            pipe.write_text("")
            return super().items()

    with pytest.raises(TimeoutError):
        await files.write(tmp_path / "one.json", Hanging(a="b"))

    assert len(failures) == 1
    await asyncio.to_thread(pipe.read_text)


def test_directories_that_an_exporter_removes_meanwhile_are_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "user" / "conversation"
    is_done = threading.Event()

    def remove_empty_directories() -> None:
        while not is_done.wait(0.0002):
            for empty in (directory, directory.parent):
                try:
                    empty.rmdir()
                except OSError:
                    continue

    remover = threading.Thread(target=remove_empty_directories)
    remover.start()
    try:
        for number in range(100):
            path = directory / f"{number}.json"
            write_json(path, DOCUMENT)
            assert json.loads(path.read_text()) == DOCUMENT
            path.unlink()
    finally:
        is_done.set()
        remover.join()
