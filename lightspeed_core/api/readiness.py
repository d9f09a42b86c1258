"""Whether questions can be answered, judged by the engine's state and its providers' health."""

from collections.abc import Sequence
from contextlib import suppress

from lightspeed_core.api.schemas.health import (
    OverallStatus,
    ProviderStatus,
    ReadinessResponse,
)
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import BootStage, BootStatus, ProviderHealth
from lightspeed_core.errors import LightspeedError

_NO_INFERENCE = "LLM inference unavailable"
_DEGRADED_IMPACTS = [_NO_INFERENCE, "RAG functionality unavailable", "Agent tools unavailable"]


async def judge_readiness(
    engine: Engine, configuration: Configuration, conversations: ConversationAccess
) -> ReadinessResponse:
    """Return the verdict; asks the providers only once the engine has booted."""
    may_degrade = configuration.llama_stack.allow_degraded_mode
    if may_degrade and engine.status().stage is BootStage.FAILED:
        await _let_recover(engine)
    if waiting := _not_started(engine.status(), conversations, may_degrade=may_degrade):
        return waiting
    try:
        unwell = [health for health in await engine.health() if not health.is_healthy]
        if unwell:
            return _unwell(unwell)
        if missing := await _missing_default_model(engine, configuration):
            return _unhealthy(
                f"Model {missing} not found in model registry",
                ["Default model not available in registry"],
            )
    except LightspeedError:
        return _unhealthy(
            "Cannot connect to backend service",
            [_NO_INFERENCE, "Provider health checks unavailable"],
        )
    return ReadinessResponse(
        ready=True,
        reason="All providers are healthy",
        overall_status=OverallStatus.HEALTHY,
        impacts=None,
        providers=[],
    )


async def _let_recover(engine: Engine) -> None:
    """Call a degraded engine, which then looks whether its server has come."""
    with suppress(LightspeedError):
        await engine.version()


def _not_started(
    status: BootStatus, conversations: ConversationAccess, *, may_degrade: bool
) -> ReadinessResponse | None:
    if status.stage not in {BootStage.READY, BootStage.FAILED}:
        return _unhealthy(f"Llama Stack is booting: {status.stage}", [_NO_INFERENCE])
    if not conversations.are_complete:
        return _unhealthy(
            "Conversations of an earlier service are being imported",
            ["Earlier conversations unavailable"],
        )
    if status.stage is BootStage.READY:
        return None
    if may_degrade:
        return ReadinessResponse(
            ready=True,
            reason="Service running in degraded mode",
            overall_status=OverallStatus.DEGRADED,
            impacts=_DEGRADED_IMPACTS,
            providers=[],
        )
    return _unhealthy(
        "Cannot connect to backend service",
        [_NO_INFERENCE, "Provider health checks unavailable"],
    )


def _unwell(unwell: Sequence[ProviderHealth]) -> ReadinessResponse:
    return ReadinessResponse(
        ready=False,
        reason=f"Providers not healthy: {', '.join(each.provider_id for each in unwell)}",
        overall_status=OverallStatus.UNHEALTHY,
        impacts=[f"Provider {each.provider_id}: {each.message}" for each in unwell],
        providers=[
            ProviderStatus(provider_id=each.provider_id, status=each.status, message=each.message)
            for each in unwell
        ],
    )


def _unhealthy(reason: str, impacts: list[str]) -> ReadinessResponse:
    return ReadinessResponse(
        ready=False,
        reason=reason,
        overall_status=OverallStatus.UNHEALTHY,
        impacts=impacts,
        providers=[],
    )


async def _missing_default_model(engine: Engine, configuration: Configuration) -> str | None:
    """Return the configured default model when the engine does not list it."""
    inference = configuration.inference
    if inference.default_model is None:
        return None
    wanted = f"{inference.default_provider}/{inference.default_model}"
    listed = {model.identifier for model in await engine.models()}
    return None if wanted in listed else wanted
