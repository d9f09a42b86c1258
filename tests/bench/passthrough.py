"""The yardstick: FastAPI and httpx forward raw bytes, with nothing parsed and nothing kept.

Started as `python -m tests.bench.passthrough UPSTREAM PORT`.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse


def create_app(upstream: str) -> FastAPI:
    """Build the forwarding application."""
    limits = httpx.Limits(max_connections=512, max_keepalive_connections=512)
    client = httpx.AsyncClient(base_url=upstream, timeout=60, limits=limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await client.aclose()

    app = FastAPI(lifespan=lifespan)

    async def forward(request: Request) -> StreamingResponse:
        body = await request.body()
        headers = {"content-type": "application/json"}
        outgoing = client.build_request("POST", "/chat/completions", content=body, headers=headers)
        answer = await client.send(outgoing, stream=True)

        async def raw() -> AsyncGenerator[bytes]:
            try:
                async for data in answer.aiter_raw():
                    yield data
            finally:
                await answer.aclose()

        media_type = answer.headers["content-type"]
        return StreamingResponse(raw(), status_code=answer.status_code, media_type=media_type)

    app.post("/v1/chat/completions")(forward)
    return app


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
