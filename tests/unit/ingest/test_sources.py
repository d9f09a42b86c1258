"""Files are found with ids that are stable, belong to one folder, and name no path outside."""

import os
import time
from pathlib import Path

import pytest

from lightspeed_core.errors import NotFound
from lightspeed_core.ingest.sources import (
    Folder,
    FoundFile,
    Joined,
    SingleFile,
    label_of,
    source_of,
    stamp_of,
)
from tests.support.ingesting import write_files


def found(
    folder: Path, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> dict[str, FoundFile]:
    source = Folder(folder, include=include, exclude=exclude)
    return {file.name: file for file in source.find().files}


def test_a_folder_gives_its_documents_in_the_order_of_their_names(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "b.md": "b",
        "a/c.txt": "c",
        "a/picture.png": "p",
        ".hidden.md": "h",
        ".git/d.md": "d",
    }
    write_files(tmp_path, files)
    listing = Folder(tmp_path).find()
    assert [file.name for file in listing.files] == ["b.md", "a/c.txt"]
    assert listing.unread == ()


def test_patterns_choose_and_leave_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "", "drafts/b.md": "", "c.cfg": "", "d.txt": ""})
    assert set(found(tmp_path, exclude=("drafts/*",))) == {"a.md", "d.txt"}
    assert set(found(tmp_path, include=("*.md", "*.cfg"))) == {"a.md", "drafts/b.md", "c.cfg"}
    assert set(found(tmp_path, include=("*.md",), exclude=("drafts/*",))) == {"a.md"}


def test_an_id_is_the_folder_and_the_path_below_it(tmp_path: Path) -> None:
    write_files(tmp_path / "My docs", {"a/b.md": "x"})
    (file,) = Folder(tmp_path / "My docs").find().files
    label, _, path = file.document_id.partition("/")
    assert path == "a/b.md"
    assert label.startswith("My-docs@")
    assert str(tmp_path) not in file.document_id
    assert file == Folder(tmp_path / "My docs" / ".." / "My docs").find().files[0]


@pytest.mark.requirement("ingest.ids")
def test_folders_of_one_name_have_different_ids(tmp_path: Path) -> None:
    one, two = (write_files(tmp_path / name / "docs", {"a.md": "x"}) for name in "12")
    assert label_of(one.resolve()) != label_of(two.resolve())
    assert not Folder(one).owns(Folder(two).find().files[0].document_id)


def test_a_file_has_the_same_id_alone_and_in_its_folder(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "x", "b.md": "y"})
    alone = SingleFile(tmp_path / "a.md")
    assert alone.find().files == [found(tmp_path)["a.md"]]
    assert alone.owns(alone.key)
    assert not alone.owns(found(tmp_path)["b.md"].document_id)


def test_several_sources_count_each_file_once(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "x", "b.md": "y"})
    together = Joined((Folder(tmp_path), SingleFile(tmp_path / "a.md")))
    assert [file.name for file in together.find().files] == ["a.md", "b.md"]
    assert together.key == Joined(tuple(reversed(together.sources))).key


def test_a_path_is_a_file_or_a_folder_or_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "x"})
    assert isinstance(source_of(tmp_path), Folder)
    assert isinstance(source_of(tmp_path / "a.md"), SingleFile)
    with pytest.raises(NotFound):
        source_of(tmp_path / "b.md")


HOSTILE_NAMES = (
    "x\\..\\..\\etc\\passwd.md",
    "C:\\windows\\x.md",
    "\\\\server\\share.md",
    "a....md",
    "-rf.md",
    "con.md",
    "a;rm -rf ~.md",
    "%2e%2e%2fx.md",
    "'; DROP TABLE documents; --.md",
    f"{'x' * 240}.md",
    "日本語.md",
)


@pytest.mark.attack(33)
@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.requirement("ingest.ids")
def test_a_name_that_looks_like_a_path_is_a_key(tmp_path: Path, name: str) -> None:
    folder = write_files(tmp_path / "docs", {name: "x"})
    (file,) = Folder(folder).find().files
    assert file.problem is None
    assert file.document_id == f"{label_of(folder.resolve())}/{name}"
    assert file.path.resolve().parent == folder.resolve()


@pytest.mark.parametrize("name", [b"bad\xff.md", b"line\nbreak.md", b"esc\x1b[31m.md"])
def test_a_name_that_cannot_be_shown_is_a_problem_of_that_file(tmp_path: Path, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).write_text("x")
    (file,) = Folder(tmp_path).find().files
    assert "rename it" in (file.problem or "")
    assert file.name.isprintable()
    file.document_id.encode()


@pytest.mark.attack(33)
def test_a_link_out_of_the_folder_is_a_problem_of_that_file(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret.md": "x", "docs/real.md": "y", "outside/more.md": "z"})
    (tmp_path / "docs" / "link.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "docs" / "inside.md").symlink_to(tmp_path / "docs" / "real.md")
    (tmp_path / "docs" / "loop.md").symlink_to(tmp_path / "docs" / "loop.md")
    (tmp_path / "docs" / "folder").symlink_to(tmp_path / "outside")
    files = found(tmp_path / "docs")
    assert set(files) == {"real.md", "link.md", "inside.md", "loop.md"}
    assert "outside" in (files["link.md"].problem or "")
    assert files["loop.md"].problem is not None
    assert (files["real.md"].problem, files["inside.md"].problem) == (None, None)


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert found(tmp_path)["pipe.md"].problem == "it is no regular file"


def test_a_file_just_written_has_no_stamp_yet(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "x"})
    status = (tmp_path / "a.md").stat()
    assert stamp_of(status) == ""
    later = time.time() + 60
    old = stamp_of(status, later)
    assert old
    (tmp_path / "a.md").write_text("other")
    assert stamp_of((tmp_path / "a.md").stat(), later) != old


def test_a_missing_folder_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Folder(tmp_path / "gone").find()


def test_links_are_made_of_a_prefix_and_the_quoted_path(tmp_path: Path) -> None:
    write_files(tmp_path, {"a b/c#1.md": "x"})
    (file,) = Folder(tmp_path, url_prefix="https://docs.example.com/").find().files
    assert file.url == "https://docs.example.com/a%20b/c%231.md"
