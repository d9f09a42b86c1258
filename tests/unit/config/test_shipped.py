"""The files that come with the product are found wherever it is installed."""

from pathlib import Path

import pytest

from lightspeed_core.config.shipped import shipped_configuration, shipped_file, shipped_root


@pytest.mark.parametrize(
    "name", ["lightspeed-stack.yaml", "run.yaml", "system_prompts/product.txt", "docs", "README.md"]
)
def test_everything_that_the_shipped_configuration_needs_is_there(name: str) -> None:
    assert shipped_file(name).is_relative_to(shipped_root())


def test_the_shipped_configuration_has_its_well_known_name() -> None:
    assert shipped_configuration().name == "lightspeed-stack.yaml"


@pytest.mark.parametrize("name", ["nothing.txt", "../etc", "/etc/passwd"])
def test_nothing_else_is_shipped(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="is not among the shipped files"):
        shipped_file(name)


def test_the_schema_that_editors_are_pointed_to_is_beside_the_file() -> None:
    first = shipped_configuration().read_text(encoding="utf-8").splitlines()[0]
    _, _, reference = first.partition("$schema=")
    assert (shipped_configuration().parent / Path(reference)).is_file()
