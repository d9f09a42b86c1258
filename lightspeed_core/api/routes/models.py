"""`GET /v1/models`."""

from typing import Annotated

from fastapi import APIRouter, Query

from lightspeed_core import errors
from lightspeed_core.api.deps import EngineDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.models import Model, ModelFilter, ModelsResponse, OpenAIModel
from lightspeed_core.config.authorization import Action
from lightspeed_core.engine.types import ModelInfo

router = APIRouter(prefix="/v1", tags=["models"], route_class=GuardedRoute)


@router.get(
    "/models",
    dependencies=[require(Action.GET_MODELS)],
    responses=responses(
        *CALLER_ERRORS,
        errors.InvalidRequest,
        errors.EngineUnavailable,
    ),
)
async def models(engine: EngineDep, wanted: Annotated[ModelFilter, Query()]) -> ModelsResponse:
    """List the models, in the words of this service and in OpenAI's."""
    listed = [
        model
        for model in await engine.models()
        if wanted.model_type is None or model.model_type == wanted.model_type
    ]
    return ModelsResponse(
        object="list",
        data=[_openai_model(model) for model in listed],
        models=[_model(model) for model in listed],
    )


def _openai_model(model: ModelInfo) -> OpenAIModel:
    return OpenAIModel(id=model.identifier, object="model", created=0, owned_by=model.provider_id)


def _model(model: ModelInfo) -> Model:
    return Model(
        identifier=model.identifier,
        metadata=dict(model.metadata),
        api_model_type=model.model_type,
        provider_id=model.provider_id,
        type="model",
        provider_resource_id=model.provider_resource_id,
        model_type=model.model_type,
    )
