"""A file that is made from others never takes the place of one by mistake."""

import stat
from pathlib import Path

import pytest

from lightspeed_core.cli.new_file import write_new_file


def test_a_new_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    output = tmp_path / "new.yaml"

    assert write_new_file(output, "a: 1\n", [], force=False) == 0
    assert output.read_text() == "a: 1\n"
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_a_file_that_exists_is_written_over_only_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "old.yaml"
    output.write_text("old and longer\n")

    assert write_new_file(output, "new\n", [], force=False) == 1
    assert output.read_text() == "old and longer\n"
    assert "exists and stays as it is" in capsys.readouterr().err
    assert write_new_file(output, "new\n", [], force=True) == 0
    assert output.read_text() == "new\n"


def test_what_is_read_is_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "run.yaml"
    source.write_text("source\n")
    (tmp_path / "link.yaml").symlink_to(source)

    for name in ("run.yaml", "link.yaml"):
        assert write_new_file(tmp_path / name, "new\n", [source], force=True) == 1
    assert source.read_text() == "source\n"
    assert "is what is read" in capsys.readouterr().err


def test_a_place_that_takes_nothing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_new_file(tmp_path / "no" / "where.yaml", "x", [], force=False) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
