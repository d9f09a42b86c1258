"""Folders of documents are looked at before the service would."""

from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.cli.doctor.folders import check_folders
from lightspeed_core.config.knowledge import KnowledgeConfiguration, KnowledgeFolder
from lightspeed_core.engine.llama_stack.run_config import RunConfig

pytestmark = pytest.mark.requirement("folders.doctor")

SHIPPED = RunConfig(
    path=Path("run.yaml"),
    content={
        "registered_resources": {
            "vector_stores": [{"vector_store_id": "vs-1", "vector_store_name": "manuals"}]
        }
    },
)


def section(*folders: tuple[Path, str]) -> KnowledgeConfiguration:
    return KnowledgeConfiguration(
        folders=tuple(KnowledgeFolder(path=str(path), store=store) for path, store in folders)
    )


def test_a_folder_that_can_be_read_is_fine(tmp_path: Path) -> None:
    found = list(check_folders(section((tmp_path, "manuals"), (tmp_path, "vs-1")), SHIPPED))
    assert [(each.severity, each.where) for each in found] == [
        (Severity.OK, "knowledge.folders[0].path"),
        (Severity.OK, "knowledge.folders[1].path"),
    ]


def test_a_missing_folder_and_a_file_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "file.md").touch()
    folders = section((tmp_path / "gone", "manuals"), (tmp_path / "file.md", "manuals"))
    missing, file = check_folders(folders, SHIPPED)
    assert (missing.severity, file.severity) == (Severity.WARNING, Severity.WARNING)
    assert "does not exist" in missing.what
    assert "not a folder" in file.what
    assert missing.remedy


def test_a_store_that_will_be_made_is_named(tmp_path: Path) -> None:
    _, store = check_folders(section((tmp_path, "new")), SHIPPED)
    assert (store.severity, store.where) == (Severity.OK, "knowledge.folders[0].store")
    assert "new" in store.what
    assert len(list(check_folders(section((tmp_path, "new")), None))) == 1
