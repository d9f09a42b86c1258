"""`GET /v1/rags` and `GET /v1/rags/{rag_id}`."""

from starlette.types import ASGIApp

from tests.support.asgi import client_of
from tests.support.scripted_engine import ScriptedEngine, store_info


async def test_vector_stores_are_listed_by_their_id(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.add_store(store_info("vs_1", "docs"))
    async with client_of(app) as client:
        assert (await client.get("/v1/rags")).json() == {"rags": ["vs_1"]}


async def test_a_vector_store_is_shown(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.add_store(store_info("vs_1", "docs"))
    async with client_of(app) as client:
        answer = await client.get("/v1/rags/vs_1")
    assert answer.json() == {
        "id": "vs_1",
        "name": "docs",
        "created_at": 1763391371,
        "last_active_at": None,
        "usage_bytes": 0,
        "expires_at": None,
        "object": "vector_store",
        "status": "completed",
    }


async def test_an_unknown_vector_store_is_404(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/rags/nope")
    assert answer.status_code == 404
    assert answer.json() == {
        "detail": {"response": "Rag not found", "cause": "Rag with ID nope does not exist"}
    }
