"""Two files as one: what is kept, what is replaced, and what does not go together."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.unify import unify
from lightspeed_core.errors import ConfigurationError

RUN_CONFIG = {"version": 2, "providers": {"inference": [{"api_key": "${env.NOT_SET}"}]}}
TREE: dict[str, Any] = {
    "name": "${env.NAME:=n}",
    "service": {},
    "llama_stack": {
        "use_as_library_client": True,
        "library_client_config_path": "run.yaml",
        "timeout": 7,
    },
    "user_data_collection": {},
    "config_format_version": "legacy",
}


def test_the_run_configuration_takes_the_place_of_its_path(tmp_path: Path) -> None:
    unified = unify(TREE, RUN_CONFIG)

    assert unified["name"] == TREE["name"]
    assert unified["llama_stack"] == {
        "use_as_library_client": True,
        "timeout": 7,
        "config": {"baseline": "empty", "native_override": RUN_CONFIG},
    }
    file = tmp_path / "unified.yaml"
    file.write_text(yaml.safe_dump(unified))
    loaded = load_configuration(file, {"HOME": str(tmp_path)})
    assert loaded.config_format_version == "unified"
    assert loaded.llama_stack.config is not None
    assert loaded.llama_stack.config.native_override == RUN_CONFIG


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"llama_stack": None}, "llama_stack: is required"),
        ({"llama_stack": {"url": "http://a"}}, "use_as_library_client is not true"),
        (
            {"llama_stack": {"use_as_library_client": True, "config": {"baseline": "empty"}}},
            "llama_stack.config is set: the file is unified already",
        ),
        ({"inference": {"providers": [{"type": "openai"}]}}, "inference.providers is set"),
        ({"vector_store": {"providers": [{"type": "faiss"}]}}, "vector_store.providers is set"),
    ],
)
def test_files_that_do_not_go_together_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        unify(TREE | changes, RUN_CONFIG)

    assert said in refused.value.cause
