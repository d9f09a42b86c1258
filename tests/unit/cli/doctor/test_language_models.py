"""A GGUF file is examined before anything is started."""

from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.finding import Finding, Severity
from lightspeed_core.cli.doctor.language_models import check_language_models
from tests.support.doctor import run_config_of
from tests.support.gguf import SHA256, small_model


def findings(tmp_path: Path, model: Path | str, sha256: str | None = None) -> list[Finding]:
    provider = {
        "provider_id": "${env.MODEL_FILE:+llama_cpp}",
        "provider_type": "inline::llama_cpp",
        "config": {"model_path": "${env.MODEL_FILE:=}", "model_sha256": sha256},
    }
    run_config = run_config_of(tmp_path, providers={"inference": [provider]})
    return list(check_language_models(run_config, {"MODEL_FILE": str(model)}))


def test_a_whole_file_is_fine(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, small_model(), SHA256)

    assert finding.severity is Severity.OK
    assert "SmolLM2-135M-Instruct.Q4_1.gguf is whole, 0.1 GiB, and knows no tools" in finding.what


@pytest.mark.parametrize(
    ("content", "told"), [(b"<html>", "is no GGUF file"), (b"GGUF\x03\0\0\0", "is damaged")]
)
def test_a_file_that_is_no_model_is_fatal(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)

    (finding,) = findings(tmp_path, file)

    assert finding.severity is Severity.FATAL
    assert str(file) in finding.what
    assert told in finding.what
    assert finding.where.endswith(": llama_cpp")


def test_another_hash_is_fatal(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, small_model(), "0" * 64)

    assert finding.severity is Severity.FATAL


def test_a_provider_that_is_off_is_not_looked_at(tmp_path: Path) -> None:
    assert findings(tmp_path, "") == []
