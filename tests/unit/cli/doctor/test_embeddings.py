"""Vector stores against their embedding models, and against what they hold."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.cli.doctor.embeddings import check_embeddings
from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.engine.llama_stack.run_config import RunConfig
from tests.support.doctor import run_config_of

MODEL = {
    "model_id": "small",
    "provider_id": "onnx",
    "model_type": "embedding",
    "metadata": {"embedding_dimension": 384},
}
STORE = {
    "vector_store_id": "docs",
    "provider_id": "hybrid",
    "embedding_model": "onnx/small",
    "embedding_dimension": 384,
}


def stores(
    tmp_path: Path, store: dict[str, Any], models: Sequence[dict[str, Any]] = (MODEL,)
) -> RunConfig:
    hybrid = {
        "provider_id": "hybrid",
        "provider_type": "inline::faiss_hybrid",
        "config": {"db_path": str(tmp_path / "knowledge.db")},
    }
    return run_config_of(
        tmp_path,
        providers={"vector_io": [hybrid]},
        registered_resources={"models": list(models), "vector_stores": [STORE | store]},
    )


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ({"embedding_dimension": 768}, "has dimension 768"),
        ({"embedding_model": "onnx/large"}, "onnx/large, which is not registered"),
    ],
)
def test_a_store_that_does_not_fit_its_model_is_fatal(
    tmp_path: Path, store: dict[str, Any], told: str
) -> None:
    (finding,) = check_embeddings(stores(tmp_path, store), {})
    assert finding.severity is Severity.FATAL
    assert told in finding.what
    assert finding.where.endswith("vector store docs")


@pytest.mark.parametrize(
    ("stored", "severity"), [(("onnx/small", 384), "ok"), (("other/model", 768), "fatal")]
)
def test_a_store_is_held_against_the_vectors_in_its_file(
    tmp_path: Path, stored: tuple[str, int], severity: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "knowledge.db")) as connection, connection:
        connection.execute("CREATE TABLE stores (store_id, embedding_model, embedding_dimension)")
        connection.execute("INSERT INTO stores VALUES ('docs', ?, ?)", stored)

    (finding,) = check_embeddings(stores(tmp_path, {}), {})

    assert finding.severity == severity
    if severity == "fatal":
        assert "lightspeed-stack reindex docs" in (finding.remedy or "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["knowledge.db", "run.yaml"]


def test_a_store_that_goes_on_with_its_former_model_is_warned_of(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "knowledge.db")) as connection, connection:
        connection.execute("CREATE TABLE stores (store_id, embedding_model, embedding_dimension)")
        connection.execute("INSERT INTO stores VALUES ('docs', 'onnx/small', 384)")
    other = MODEL | {"model_id": "large"}

    (finding,) = check_embeddings(
        stores(tmp_path, {"embedding_model": "onnx/large"}, models=[MODEL, other]), {}
    )

    assert finding.severity is Severity.WARNING
    assert "goes on with the former" in finding.what
    assert "lightspeed-stack reindex docs" in (finding.remedy or "")


def test_a_store_that_is_not_there_yet_fits(tmp_path: Path) -> None:
    (finding,) = check_embeddings(stores(tmp_path, {}), {})
    assert finding.severity is Severity.OK
    assert not (tmp_path / "knowledge.db").exists()


def test_a_store_of_a_provider_that_is_off_is_left_alone(tmp_path: Path) -> None:
    store = {"provider_id": "off", "embedding_dimension": 768}
    assert list(check_embeddings(stores(tmp_path, store), {})) == []
