"""The wheel carries its own copies of what the shipped configuration needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
PROBE = """
from pathlib import Path
from lightspeed_core.config.load import load_configuration
configuration = load_configuration(None, {"HOME": "/nowhere"})
print(configuration.llama_stack.library_client_config_path)
print(configuration.customization.system_prompt_path)
"""


@pytest.mark.requirement("start.installed")
def test_an_installed_package_works_without_the_checkout(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    wheel = tmp_path / built.stdout.splitlines()[-1]
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(installed)
    for name in (
        "lightspeed-stack.yaml",
        "run.yaml",
        "system_prompts/product.txt",
        "docs/configuration.md",
        "docs/schema.json",
        "README.md",
    ):
        assert f"lightspeed_core/shipped/{name}" in names
    probed = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    shipped = installed / "lightspeed_core" / "shipped"
    assert probed.stdout.splitlines() == [
        str(shipped / "run.yaml"),
        str(shipped / "system_prompts" / "product.txt"),
    ]
