"""`GET /v1/skills`."""

from starlette.types import ASGIApp

from tests.support.asgi import client_of


async def test_there_are_no_skills(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/skills")
    assert (answer.status_code, answer.json()) == (200, {"skills": []})
