"""What the sections that describe vector stores must agree on, and what is told of them."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lightspeed_core.config.root import Configuration
from lightspeed_core.config.start_warnings import list_start_warnings

STORE = {"rag_id": "r", "vector_db_id": "v", "backend": "pgvector"}
ASKER = {"jsonpath": "$.group", "operator": "contains", "value": "ops", "roles": ["ops"]}
JWK = {
    "module": "jwk-token",
    "jwk_config": {
        "url": "https://sso.example.com/certs",
        "jwt_configuration": {"role_rules": [ASKER], "issuer": "i", "audience": "a"},
    },
}


def configured(**sections: Any) -> Configuration:
    return Configuration.model_validate(
        {
            "name": "n",
            "service": {},
            "llama_stack": {"use_as_library_client": True, "config": {}},
            "user_data_collection": {},
            **sections,
        }
    )


def told(**sections: Any) -> tuple[str, ...]:
    return list_start_warnings(configured(**sections), {})


def older(folder: Path, rag_id: str, vector_db_id: str) -> dict[str, Any]:
    path = folder / "store.db"
    path.touch()
    return {"rag_id": rag_id, "vector_db_id": vector_db_id, "db_path": str(path)}


@pytest.mark.parametrize(
    ("rag", "message"),
    [
        (
            {"byok": {"stores": [STORE]}, "retrieval": {"tool": {"sources": ["r", "x"]}}},
            "retrieval.tool.sources contains unknown RAG IDs: ['x']. Declared IDs: ['r', 'okp']",
        ),
        (
            {"byok": {"stores": [STORE, STORE | {"rag_id": "s"}]}},
            "'v' names two stores of byok_rag and rag.byok, 'r' and 's'",
        ),
        (
            {"byok": {"stores": [STORE, STORE | {"rag_id": "v", "vector_db_id": "w"}]}},
            "'v' names two stores of byok_rag and rag.byok, 'r' and 'v'",
        ),
        (
            {"byok": {"stores": [STORE]}, "access": {"r": ["ops"], "v": ["dev"]}},
            "rag.access names one store twice, as 'r' and as 'v'; keep one of the two",
        ),
        ({"access": {"r": [""]}}, "at least 1 character"),
    ],
)
def test_stores_that_cannot_be_told_apart_are_refused(rag: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        configured(rag=rag)

    assert message in str(refused.value)


def test_sources_may_name_stores_of_both_sections_and_that_of_the_products_documents(
    tmp_path: Path,
) -> None:
    sources = ["r", "old", "okp", "product-docs"]

    configuration = configured(
        byok_rag=[older(tmp_path, "old", "vs_old")],
        rag={"byok": {"stores": [STORE]}, "retrieval": {"inline": {"sources": sources}}},
    )

    assert configuration.rag.retrieval.inline.sources == tuple(sources)
    with pytest.raises(ValidationError, match="'r' names two stores"):
        configured(byok_rag=[older(tmp_path, "r", "x")], rag={"byok": {"stores": [STORE]}})


def test_stores_of_ones_own_need_no_warning(tmp_path: Path) -> None:
    rag = {"byok": {"stores": [STORE]}, "retrieval": {"tool": {"sources": ["r"]}}}

    assert told(rag=rag, byok_rag=[older(tmp_path, "old", "vs_old")]) == ()


def test_beside_a_server_stores_are_told_to_be_those_of_the_server() -> None:
    (line,) = told(rag={"byok": {"stores": [STORE]}}, llama_stack={"url": "http://stack:8321"})

    assert line.startswith("byok_rag and rag.byok: of r only those are searched")


def test_a_source_that_is_not_served_is_named() -> None:
    (line,) = told(rag={"retrieval": {"inline": {"sources": ["okp"]}}})

    assert line.startswith("rag.retrieval.inline.sources names okp, which is not served")


def test_a_folder_of_a_model_that_a_server_cannot_see_is_told() -> None:
    server = {"use_as_library_client": False, "url": "http://127.0.0.1:8321"}

    (line,) = told(knowledge={"embedding_folder": "/models/e5"}, llama_stack=server)

    assert line.startswith("knowledge.embedding_folder has no effect")
    assert told(knowledge={"embedding_folder": "/models/e5"}) == ()


@pytest.mark.requirement("access.stores")
@pytest.mark.parametrize(
    ("access", "authentication", "expected"),
    [
        ({"r": ["ops"]}, JWK, ()),
        ({"r": ["*"]}, {}, ()),
        ({"r": ["ops"]}, {}, ("rag.access.r: nobody has the role ops;",)),
        ({"r": ["opps"]}, JWK, ("rag.access.r: nobody has the role opps;",)),
        ({"r": []}, JWK, ("rag.access.r names no role: nobody may read the store",)),
    ],
)
def test_a_store_that_nobody_may_read_is_told(
    access: dict[str, Any], authentication: dict[str, Any], expected: tuple[str, ...]
) -> None:
    rag = {"byok": {"stores": [STORE]}, "access": access}

    lines = told(rag=rag, authentication={"module": "noop", **authentication})

    # Role rules have an effect once stores ask for roles, and no other warning is due.
    assert len(lines) == len(expected)
    assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True))
