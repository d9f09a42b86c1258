"""`GET /metrics`, and what the middleware counts."""

import asyncio
from dataclasses import replace

from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.config.service import ServiceConfiguration
from lightspeed_core.errors import EngineUnavailable
from tests.support.asgi import build_app, client_of, open_stream
from tests.support.scripted_assistant import STARTED, TURN_ID, ScriptedAssistant
from tests.support.scripted_engine import ScriptedEngine


def calls_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("ls_rest_api_calls_total{")]


async def scraped(app: ASGIApp) -> str:
    async with client_of(app) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.text


async def test_metrics_need_no_engine(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.down = EngineUnavailable("Connection error.")
    text = await scraped(app)
    assert "ls_started_in_degraded_mode 0.0" in text
    assert "\npython_info{" in text
    assert "\nprocess_cpu_seconds_total " in text


async def test_requests_are_counted_by_the_template_of_their_route(app: ASGIApp) -> None:
    async with client_of(app) as client:
        for path in ("/v1/info?user_id=a", "/v1/providers/a", "/v1/providers/b", "/v1/secret"):
            await client.get(path)
        await client.delete("/v1/info")
        await client.get("/metrics")
    text = await scraped(app)
    assert sorted(calls_in(text)) == [
        'ls_rest_api_calls_total{path="/v1/info",status_code="200"} 1.0',
        'ls_rest_api_calls_total{path="/v1/info",status_code="405"} 1.0',
        'ls_rest_api_calls_total{path="/v1/providers/{provider_id}",status_code="404"} 2.0',
    ]
    assert 'ls_response_duration_seconds_count{path="/metrics"} 1.0' in text
    assert 'ls_response_duration_seconds_bucket{le="120.0",path="/v1/info"} 2.0' in text


async def test_a_fault_of_ours_is_counted(app: ASGIApp, assistant: ScriptedAssistant) -> None:
    assistant.refusal = ZeroDivisionError()
    async with client_of(app) as client:
        await client.post("/v1/query", json={"query": "hi"})
    assert calls_in(await scraped(app)) == [
        'ls_rest_api_calls_total{path="/v1/query",status_code="500"} 1.0'
    ]


async def test_a_published_prefix_is_no_part_of_a_label(services: Services) -> None:
    configuration = services.configuration.model_copy(
        update={"service": ServiceConfiguration(root_path="/lcs")}
    )
    app = build_app(replace(services, configuration=configuration))
    async with client_of(app) as client:
        await client.get("/lcs/v1/models")
        await client.get("/v1/models")
    assert calls_in(await scraped(app)) == [
        'ls_rest_api_calls_total{path="/v1/models",status_code="200"} 2.0'
    ]


async def test_a_stream_is_timed_to_its_end_and_counted_once(app: ASGIApp) -> None:
    async with open_stream(app, "GET", f"/v1/streaming_query/{TURN_ID}") as stream:
        assert await stream.next_part()
        assert calls_in(await scraped(app)) == []
        await stream.rest()
    assert calls_in(await scraped(app)) == [
        'ls_rest_api_calls_total{path="/v1/streaming_query/{request_id}",status_code="200"} 1.0'
    ]


async def test_a_stream_runs_until_it_was_read_or_its_client_is_gone(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.steps = [(STARTED,), asyncio.Event()]
    async with open_stream(app, "GET", f"/v1/streaming_query/{TURN_ID}") as stream:
        assert await stream.next_part()
        assert "ls_running_streams 1.0" in await scraped(app)
    assert "ls_running_streams 0.0" in await scraped(app)


async def test_a_question_names_its_endpoint(app: ASGIApp, assistant: ScriptedAssistant) -> None:
    async with client_of(app) as client:
        await client.post("/v1/query", json={"query": "hi"})
        await client.post("/v1/streaming_query", json={"query": "hi"})
    endpoints = [request.endpoint for request, _ in assistant.started]
    assert endpoints == ["/v1/query", "/v1/streaming_query"]
