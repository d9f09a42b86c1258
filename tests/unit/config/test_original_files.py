"""Files of the original: each is accepted as it is, and what is not served yet is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.place import Place, dotted, has_part, is_list, is_mapping
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.start_warnings import NOT_SERVED, list_start_warnings
from lightspeed_core.errors import ConfigurationError

FILES = sorted((Path(__file__).parents[2] / "data" / "original").glob("*.yaml"))
NAMED = ("tls.crt", "tls.key", "password.txt", "ca.crt", "ocp.faiss", "token", "system_prompt.txt")
ENVIRON = {"HOME": "/home/somebody", "PG_PASSWORD": "s3cret", "API_KEY": "s3cret"}
# Mappings in which any key may stand.
OPEN = (
    "authorization_headers",
    "native_override",
    "context_windows",
    "agent_card_config",
    "extra",
)

UNSERVED = " is not served by this version"

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the files of the original name."""
    for name in NAMED:
        (tmp_path / name).write_text("x")
    (tmp_path / "run.yaml").write_text("version: 2\n")
    (tmp_path / "profile.yaml").write_text("version: 2\n")
    (tmp_path / "card.yaml").write_text("name: agent\n")
    (tmp_path / "profile.py").write_text("PROFILE_CONFIG = {'system_prompts': {'default': 'x'}}")
    return tmp_path


def load(folder: Path, text: str) -> Configuration:
    file = folder / "lightspeed-stack.yaml"
    file.write_text(text.replace("$FOLDER", str(folder)))
    return load_configuration(file, ENVIRON)


@pytest.mark.requirement("takeover.configuration")
@each_file
def test_a_file_of_the_original_is_accepted_as_it_is(folder: Path, file: Path) -> None:
    assert load(folder, file.read_text()).name == "Lightspeed Core Service (LCS)"


@pytest.mark.requirement("takeover.configuration")
@each_file
def test_every_part_that_is_not_served_is_told_and_no_other(folder: Path, file: Path) -> None:
    told = list_start_warnings(load(folder, file.read_text()), {})

    assert [line for line in told if line.endswith(UNSERVED)] == [
        f"{dotted(place)}{UNSERVED}" for place in NOT_SERVED if is_set(file, place)
    ]


@pytest.mark.requirement("takeover.configuration")
def test_the_files_hold_every_part_that_is_not_served() -> None:
    absent = [place for place in NOT_SERVED if not any(is_set(file, place) for file in FILES)]

    # What the environment says to tracing stands in no file.
    assert set(absent) <= {("observability", "otel")}


@pytest.mark.requirement("takeover.configuration")
@each_file
def test_a_misspelt_key_is_refused_wherever_it_stands_with_the_right_one(
    folder: Path, file: Path
) -> None:
    places = list(sections(yaml.safe_load(file.read_text()), ()))
    assert len(places) > 3
    for place in places:
        tree = yaml.safe_load(file.read_text())
        section = at(tree, place)
        right = next(iter(section))
        section[f"{right}x"] = section[right]
        with pytest.raises(ConfigurationError) as refused:
            load(folder, yaml.safe_dump(tree))
        assert f"{dotted((*place, f'{right}x'))}" in str(refused.value)
        assert f"unknown key; did you mean '{right}'?" in str(refused.value)


def is_set(file: Path, place: Place) -> bool:
    """Say whether a file gives a place a value that is none of the empty ones."""
    return bool(at(yaml.safe_load(file.read_text()), place))


def at(tree: Any, place: Place) -> Any:
    node = tree
    for part in place:
        if not has_part(node, part):
            return None
        node = node[part]
    return node


def sections(tree: Any, place: Place) -> Iterator[Place]:
    """Yield the places of all mappings whose keys are known."""
    if is_mapping(tree):
        if tree:
            yield place
        for key, value in tree.items():
            if key not in OPEN:
                yield from sections(value, (*place, key))
    elif is_list(tree):
        for index, value in enumerate(tree):
            yield from sections(value, (*place, index))
