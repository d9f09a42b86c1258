"""Directories that are written to, and the space on their disks."""

from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.files import (
    COMFORTABLY_FREE,
    LEAST_FREE,
    check_directory,
    check_files,
    check_space,
)
from lightspeed_core.cli.doctor.finding import Severity
from tests.support.doctor import examined_configuration, run_config_of


def test_a_directory_that_exists_or_can_be_created_is_fine(tmp_path: Path) -> None:
    assert check_directory(tmp_path, "x").severity is Severity.OK
    later = check_directory(tmp_path / "a" / "b", "x")
    assert later.severity is Severity.OK
    assert "can be created" in later.what
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("below", [".", "data"])
def test_a_file_in_the_place_of_a_directory_is_fatal(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("x")

    finding = check_directory(tmp_path / "file" / below, "LIGHTSPEED_DATA_DIR")

    assert finding.severity is Severity.FATAL
    assert str(tmp_path / "file") in finding.what
    assert finding.where == "LIGHTSPEED_DATA_DIR"
    assert finding.remedy


@pytest.mark.parametrize(
    ("free", "severity"),
    [
        (LEAST_FREE - 1, Severity.FATAL),
        (COMFORTABLY_FREE - 1, Severity.WARNING),
        (COMFORTABLY_FREE, Severity.OK),
    ],
)
def test_a_disk_is_judged_by_its_free_space(tmp_path: Path, free: int, severity: Severity) -> None:
    assert check_space(tmp_path, "x", free).severity is severity


def test_every_place_that_is_written_to_is_looked_at_and_each_disk_once(tmp_path: Path) -> None:
    configuration = examined_configuration(
        tmp_path, "user_data_collection: {feedback_enabled: true, feedback_storage: feed}"
    )
    backends = {"kv": {"type": "kv_sqlite", "db_path": "${env.PLACE:=none}/kv.db"}}
    run_config = run_config_of(tmp_path, storage={"backends": backends})
    environ = {"PLACE": str(tmp_path / "stack")}

    findings = list(check_files(configuration, run_config, environ, lambda _: COMFORTABLY_FREE))

    places = [finding.where.rpartition(": ")[2] for finding in findings]
    assert places == [
        "LIGHTSPEED_DATA_DIR",
        "user_data_collection.feedback_storage",
        "storage.backends.kv.db_path",
        "LIGHTSPEED_DATA_DIR",
    ]
    assert str(tmp_path / "stack") in findings[2].what
