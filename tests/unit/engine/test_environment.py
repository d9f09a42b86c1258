"""What is set before Llama Stack is imported, and the files that come along for it."""

import hashlib
import stat
from pathlib import Path

import pytest

from lightspeed_core.engine.llama_stack.environment import prepare_environment
from lightspeed_core.errors import ConfigurationError


def test_what_llama_stack_reads_is_set_and_what_the_user_set_is_kept(tmp_path: Path):
    environ = {"LLAMA_STACK_LOGGING": "all=debug", "LIGHTSPEED_DATA_DIR": "/elsewhere"}
    prepare_environment(tmp_path / "a" / "b", environ)
    assert environ["LLAMA_STACK_LOGGING"] == "all=debug"
    assert environ["LLAMA_STACK_LOG_FORMAT"] == "json"
    assert environ["HF_HUB_OFFLINE"] == "1"
    assert environ["LIGHTSPEED_DATA_DIR"] == str(tmp_path / "a" / "b")


def test_a_new_data_directory_is_for_its_owner_alone(tmp_path: Path):
    prepare_environment(tmp_path / "data", {})
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_data_directory_that_cannot_be_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="LIGHTSPEED_DATA_DIR: the data directory"):
        prepare_environment(tmp_path / "file" / "data", {})


def test_the_tokenizer_that_comes_along_is_the_one_that_was_taken(tmp_path: Path):
    environ: dict[str, str] = {}
    prepare_environment(tmp_path, environ)
    folder = Path(environ["TIKTOKEN_CACHE_DIR"])
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
