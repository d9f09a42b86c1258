"""A built run configuration is written whole, for its owner alone, where it may be written."""

import stat
from pathlib import Path

import pytest
import yaml

from lightspeed_core.engine.llama_stack.unified.output import OUTPUT_VARIABLE, write_run_config
from lightspeed_core.errors import ConfigurationError

CONTENT = {"version": 2, "providers": {"inference": [{"api_key": "${env.KEY}"}]}}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_goes_to_the_working_directory_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    path = write_run_config(CONTENT, tmp_path / "data", {})

    assert path == Path(".generated/run.yaml")
    assert yaml.safe_load(path.read_text()) == CONTENT
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert [each.name for each in path.parent.iterdir()] == ["run.yaml"]


def test_an_older_file_is_replaced_with_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = tmp_path / ".generated" / "run.yaml"
    old.parent.mkdir()
    old.write_text("version: 2\nleft: behind\n")
    old.chmod(0o644)

    write_run_config(CONTENT, tmp_path / "data", {})

    assert yaml.safe_load(old.read_text()) == CONTENT
    assert mode(old) == 0o600


def test_it_goes_to_the_data_directory_where_the_working_directory_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".generated").write_text("a file stands in the way")

    path = write_run_config(CONTENT, tmp_path / "data", {})

    assert path == tmp_path / "data" / ".generated" / "run.yaml"
    assert mode(path) == 0o600


def test_it_goes_where_the_environment_says(tmp_path: Path) -> None:
    named = tmp_path / "deep" / "mine.yaml"

    assert write_run_config(CONTENT, tmp_path, {OUTPUT_VARIABLE: str(named)}) == named
    assert mode(named) == 0o600


def test_a_place_that_was_named_and_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.yaml").mkdir()

    for name in ("file/run.yaml", "folder.yaml"):
        with pytest.raises(ConfigurationError) as refused:
            write_run_config(CONTENT, tmp_path, {OUTPUT_VARIABLE: str(tmp_path / name)})
        assert refused.value.cause.startswith(f"{OUTPUT_VARIABLE}: ")
        assert "cannot be written" in refused.value.cause
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder.yaml"]


def test_a_name_that_llama_stack_takes_for_a_distribution_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"must end in \.yaml"):
        write_run_config(CONTENT, tmp_path, {OUTPUT_VARIABLE: str(tmp_path / "run.yml")})
