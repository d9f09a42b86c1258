import pytest

from lightspeed_core.files.models import plain_filename


@pytest.mark.attack(33)
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("notes.md", "notes.md"),
        ("notes", "notes.txt"),
        ("", "file.txt"),
        ("../../etc/passwd", "passwd.txt"),
        ("/etc/shadow.pdf", "shadow.pdf"),
        ("C:\\Users\\ann\\a.docx", "a.docx"),
        ("\\\\host\\share\\a.html", "a.html"),
        ("a\0b\r\nc.md", "abc.md"),
        ("..", "file.txt"),
        (".bashrc", "bashrc.txt"),
        ("a.", "a.txt"),
        ("Übersicht 资料.pdf", "Übersicht 资料.pdf"),
        ("x" * 300 + ".md", "x" * 252 + ".md"),
        ("a." + "x" * 300, "a." + "x" * 127),
    ],
)
def test_a_name_is_shown_without_its_path(name: str, shown: str) -> None:
    assert plain_filename(name) == shown
