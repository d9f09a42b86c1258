"""Where the service writes when the configuration names no place."""

import stat
from pathlib import Path

import pytest

from lightspeed_core.config.data_directory import create_data_directory, data_directory


@pytest.mark.requirement("data.directory")
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LIGHTSPEED_DATA_DIR": "/d", "XDG_DATA_HOME": "/x", "HOME": "/h"}, "/d"),
        ({"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/lightspeed-stack"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/h"}, "/h/.local/share/lightspeed-stack"),
        ({"XDG_DATA_HOME": "", "HOME": "/h"}, "/h/.local/share/lightspeed-stack"),
        ({"LIGHTSPEED_DATA_DIR": "", "HOME": "/h"}, "/h/.local/share/lightspeed-stack"),
    ],
)
def test_the_first_that_is_named_counts(environ: dict[str, str], expected: str) -> None:
    assert data_directory(environ) == Path(expected)


def test_a_relative_directory_becomes_absolute() -> None:
    assert data_directory({"LIGHTSPEED_DATA_DIR": "here"}) == Path.cwd() / "here"


def test_without_a_home_the_users_own_is_taken() -> None:
    assert data_directory({}) == Path.home() / ".local/share/lightspeed-stack"


def test_it_is_created_for_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    create_data_directory(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_one_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    directory = tmp_path / "shared"
    directory.mkdir(mode=0o750)
    directory.chmod(0o750)
    create_data_directory(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o750
