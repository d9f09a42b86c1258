import os
from pathlib import Path

import pytest

from lightspeed_core.app.settings import database_settings
from lightspeed_core.app.takeover import takeover_of
from lightspeed_core.config.load import load_configuration
from lightspeed_core.db.database import Database

MINIMAL = """\
name: test
service: {}
llama_stack: {url: "http://stack:8321"}
user_data_collection: {}
"""
SERVER = "postgres: {host: db, db: lcs, user: u, password: p"


def places(folder: Path, databases: str, *, earlier: Path | None = None) -> list[str]:
    file = folder / "lcs.yaml"
    file.write_text(MINIMAL + databases.replace("FOLDER", str(folder)))
    configuration = load_configuration(file, {"LIGHTSPEED_DATA_DIR": str(folder / "data")})
    settings = database_settings(configuration)
    assert settings is not None
    takeover = takeover_of(
        configuration, Database(settings), earlier_default=earlier or folder / "nowhere.db"
    )
    return [
        f"{place.key.replace(str(folder), '')}{' (ours)' * place.is_ours}"
        for place in takeover.places
    ]


def earlier_default(folder: Path) -> Path:
    file = folder / "earlier.db"
    file.touch(0o644)
    file.chmod(0o644)
    return file


@pytest.mark.parametrize(
    ("databases", "expected"),
    [
        ("", ["/data/lightspeed-stack.db (ours)"]),
        ("database: {sqlite: {db_path: FOLDER/a.db}}", ["/a.db (ours)"]),
        (
            "database: {sqlite: {db_path: FOLDER/a.db}}\n"
            "conversation_cache: {type: sqlite, sqlite: {db_path: FOLDER/c.db}}",
            ["/a.db (ours)", "/c.db"],
        ),
        (
            "conversation_cache: {type: sqlite, sqlite: {db_path: FOLDER/c.db}}",
            ["/c.db (ours)"],
        ),
        (f"database: {{{SERVER}, namespace: mine}}}}", ["db:5432/lcs mine (ours)"]),
        (f"database: {{{SERVER}}}}}", ["db:5432/lcs lightspeed-stack public (ours)"]),
        (
            f"database: {{{SERVER}, namespace: mine}}}}\n"
            f"conversation_cache: {{type: postgres, {SERVER}, namespace: mine}}}}",
            ["db:5432/lcs mine (ours)", "db:5432/lcs mine public (ours)"],
        ),
        (
            f"conversation_cache: {{type: postgres, {SERVER}, namespace: public}}}}\n"
            "database: {sqlite: {db_path: FOLDER/a.db}}",
            ["/a.db (ours)", "db:5432/lcs public"],
        ),
    ],
)
def test_conversations_are_looked_for_where_the_configuration_says(
    tmp_path: Path, databases: str, expected: list[str]
) -> None:
    assert places(tmp_path, databases) == expected


@pytest.mark.parametrize(
    ("databases", "is_looked_at"),
    [
        ("", True),
        ("conversation_cache: {type: noop}", True),
        ("conversation_cache: {type: sqlite, sqlite: {db_path: FOLDER/c.db}}", True),
        ("database: {sqlite: {db_path: FOLDER/a.db}}", False),
    ],
)
def test_the_default_of_the_original_counts_where_no_database_is_named(
    tmp_path: Path, databases: str, is_looked_at: bool
) -> None:
    found = places(tmp_path, databases, earlier=earlier_default(tmp_path))

    assert ("/earlier.db" in found) == is_looked_at


def test_a_default_that_others_can_write_is_left_alone_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = earlier_default(tmp_path)
    link = tmp_path / "link.db"
    link.symlink_to(file)
    assert "/link.db" not in places(tmp_path, "", earlier=link)
    file.chmod(0o664)
    assert "/earlier.db" not in places(tmp_path, "", earlier=file)

    assert [record.getMessage() for record in caplog.records] == [
        f"{each} was left alone, for others can write it; move it and name it"
        for each in (link, file)
    ]


def test_a_default_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    file = Path("/etc/passwd")
    if os.geteuid() == 0:
        file = earlier_default(tmp_path)
        os.chown(file, 12345, -1)

    assert len(places(tmp_path, "", earlier=file)) == 1
