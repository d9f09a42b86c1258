"""The probes."""

from dataclasses import replace
from typing import Any, override

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.config.inference import InferenceConfiguration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.engine.types import BootStage, BootStatus, ProviderHealth
from lightspeed_core.errors import EngineUnavailable
from tests.support.asgi import client_of, with_state
from tests.support.scripted_engine import ScriptedEngine

PREFIXES = ["", "/v1"]


async def get(app: ASGIApp, path: str) -> tuple[int, Any]:
    async with client_of(app) as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


def not_ready(reason: str, *impacts: str, **more: Any) -> tuple[int, Any]:
    body = {
        "ready": False,
        "reason": reason,
        "overall_status": "unhealthy",
        "impacts": list(impacts),
        "providers": [],
    }
    return 503, {**body, **more}


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_healthy_service_is_ready(app: ASGIApp, prefix: str) -> None:
    assert await get(app, f"{prefix}/readiness") == (
        200,
        {
            "ready": True,
            "reason": "All providers are healthy",
            "overall_status": "healthy",
            "impacts": None,
            "providers": [],
        },
    )


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("stage", BootStage)
async def test_the_process_is_alive_whatever_the_engine_does(
    app: ASGIApp, engine: ScriptedEngine, prefix: str, stage: BootStage
) -> None:
    engine.boot = BootStatus(stage=stage)
    engine.down = EngineUnavailable("Connection error.")
    assert await get(app, f"{prefix}/liveness") == (200, {"alive": True})


@pytest.mark.parametrize(
    "stage", [stage for stage in BootStage if stage not in {BootStage.READY, BootStage.FAILED}]
)
async def test_a_booting_engine_is_not_ready_and_says_how_far_it_is(
    app: ASGIApp, engine: ScriptedEngine, stage: BootStage
) -> None:
    engine.boot = BootStatus(stage=stage)
    assert await get(app, "/readiness") == not_ready(
        f"Llama Stack is booting: {stage}", "LLM inference unavailable"
    )


async def test_a_provider_that_is_not_well_is_named(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.health_list = [
        ProviderHealth(provider_id="a", status="OK"),
        ProviderHealth(provider_id="b", status="error", message="refused"),
        ProviderHealth(provider_id="c", status="Not Implemented"),
        ProviderHealth(provider_id="d", status="Error", message="gone"),
    ]
    assert await get(app, "/readiness") == not_ready(
        "Providers not healthy: b, d",
        "Provider b: refused",
        "Provider d: gone",
        providers=[
            {"provider_id": "b", "status": "error", "message": "refused"},
            {"provider_id": "d", "status": "Error", "message": "gone"},
        ],
    )


async def test_a_server_that_is_gone_is_not_ready(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.down = EngineUnavailable("Connection error.")
    assert await get(app, "/readiness") == not_ready(
        "Cannot connect to backend service",
        "LLM inference unavailable",
        "Provider health checks unavailable",
    )


class IncompleteStore(MemoryConversationStore):
    @property
    @override
    def is_complete(self) -> bool:
        return False


async def test_a_service_that_still_imports_conversations_is_not_ready(
    bare: FastAPI, services: Services
) -> None:
    access = ConversationAccess(IncompleteStore())
    app = with_state(bare, replace(services, conversations=access))
    assert await get(app, "/readiness") == not_ready(
        "Conversations of an earlier service are being imported",
        "Earlier conversations unavailable",
    )


async def test_a_boot_that_failed_is_not_ready(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.boot = BootStatus(stage=BootStage.FAILED, error="no such provider")
    status, body = await get(app, "/readiness")
    assert (status, body["reason"]) == (503, "Cannot connect to backend service")


async def test_a_service_that_may_run_degraded_is_ready_and_says_so(
    bare: FastAPI, services: Services, engine: ScriptedEngine
) -> None:
    engine.boot = BootStatus(stage=BootStage.FAILED, error="no such provider")
    configuration = services.configuration
    stack = configuration.llama_stack.model_copy(update={"allow_degraded_mode": True})
    degraded = configuration.model_copy(update={"llama_stack": stack})
    app = with_state(bare, replace(services, configuration=degraded))
    assert await get(app, "/readiness") == (
        200,
        {
            "ready": True,
            "reason": "Service running in degraded mode",
            "overall_status": "degraded",
            "impacts": [
                "LLM inference unavailable",
                "RAG functionality unavailable",
                "Agent tools unavailable",
            ],
            "providers": [],
        },
    )
    engine.boot = BootStatus(stage=BootStage.READY)
    assert (await get(app, "/readiness"))[1]["overall_status"] == "healthy"


@pytest.mark.parametrize(
    ("provider", "model", "status"), [("scripted", "model", 200), ("openai", "gpt", 503)]
)
async def test_a_default_model_must_be_there(
    bare: FastAPI, services: Services, provider: str, model: str, status: int
) -> None:
    inference = InferenceConfiguration(default_provider=provider, default_model=model)
    configuration = services.configuration.model_copy(update={"inference": inference})
    app = with_state(bare, replace(services, configuration=configuration))
    answer = await get(app, "/readiness")
    assert answer[0] == status
    if status != 200:
        assert answer == not_ready(
            "Model openai/gpt not found in model registry",
            "Default model not available in registry",
        )
