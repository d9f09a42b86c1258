"""`POST /authorized`."""

import pytest
from starlette.types import ASGIApp

from tests.support.asgi import client_of


@pytest.mark.parametrize(
    ("query", "user_id"),
    [
        ("?user_id=test_user", "test_user"),
        ("", "00000000-0000-0000-0000-000"),
        ("?user_id=user%3Adefault%2Fada", "user:default/ada"),
    ],
)
async def test_callers_learn_who_they_are(app: ASGIApp, query: str, user_id: str) -> None:
    async with client_of(app) as client:
        answer = await client.post(f"/authorized{query}", content=b"whatever this is")
    assert answer.status_code == 200
    assert answer.json() == {
        "user_id": user_id,
        "username": "lightspeed-user",
        "skip_userid_check": True,
    }


async def test_nobody_is_no_caller(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.post("/authorized?user_id=")
    assert answer.status_code == 400
    assert answer.json()["detail"]["cause"] == "user_id cannot be empty"
