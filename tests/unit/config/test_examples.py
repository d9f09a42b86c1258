"""The examples of the documentation are configurations that the service accepts."""

from pathlib import Path

import pytest

from lightspeed_core.config.load import load_configuration

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("lightspeed-stack*.yaml")), ids=lambda f: f.stem
)
def test_an_example_is_accepted(file: Path, tmp_path: Path) -> None:
    for name in ("tls.crt", "tls.key", "password.txt"):
        (tmp_path / name).write_text("x")
    environ = {
        "HOME": str(tmp_path),
        "TLS_DIR": str(tmp_path),
    }
    assert load_configuration(file, environ).name == "Lightspeed Core Service (LCS)"


def test_there_are_examples() -> None:
    assert len(list(EXAMPLES.glob("lightspeed-stack*.yaml"))) >= 3
