"""`/v1/prompts`: prompts in versions, for all."""

from typing import Final

from fastapi import APIRouter

from lightspeed_core import errors
from lightspeed_core.api.deps import PromptsDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.prompts import (
    PromptDeleted,
    PromptId,
    PromptRequest,
    PromptResponse,
    PromptsResponse,
    PromptUpdateRequest,
    Version,
)
from lightspeed_core.config.authorization import Action

router = APIRouter(prefix="/v1/prompts", tags=["prompts"], route_class=GuardedRoute)

_LIST_ERRORS: Final = (*CALLER_ERRORS, errors.StoreUnavailable)
_STORE_ERRORS: Final = (*_LIST_ERRORS, errors.InvalidRequest)
_MANAGE: Final = [require(Action.MANAGE_PROMPTS)]
_READ: Final = [require(Action.READ_PROMPTS)]


@router.post("", dependencies=_MANAGE, responses=responses(*_STORE_ERRORS))
async def create_prompt(body: PromptRequest, prompts: PromptsDep) -> PromptResponse:
    """Keep a new prompt, in version 1."""
    return PromptResponse.of(await prompts.create(body.content()))


@router.get("", dependencies=_READ, responses=responses(*_LIST_ERRORS))
async def list_prompts(prompts: PromptsDep) -> PromptsResponse:
    """List all prompts in their default versions, the newest first."""
    return PromptsResponse.of(await prompts.list())


@router.get(
    "/{prompt_id}", dependencies=_READ, responses=responses(*_STORE_ERRORS, errors.NotFound)
)
async def get_prompt(
    prompt_id: PromptId, prompts: PromptsDep, version: Version = None
) -> PromptResponse:
    """Read a prompt in one of its versions."""
    return PromptResponse.of(await prompts.get(prompt_id, version))


@router.put(
    "/{prompt_id}",
    dependencies=_MANAGE,
    responses=responses(*_STORE_ERRORS, errors.NotFound, errors.Conflict),
)
async def update_prompt(
    prompt_id: PromptId, body: PromptUpdateRequest, prompts: PromptsDep
) -> PromptResponse:
    """Add a version to a prompt; the older ones stay."""
    revised = await prompts.revise(
        prompt_id,
        body.content(),
        current=body.version,
        set_as_default=body.set_as_default,
    )
    return PromptResponse.of(revised)


@router.delete("/{prompt_id}", dependencies=_MANAGE, responses=responses(*_STORE_ERRORS))
async def delete_prompt(prompt_id: PromptId, prompts: PromptsDep) -> PromptDeleted:
    """Delete a prompt with all its versions."""
    return PromptDeleted.of(prompt_id, deleted=await prompts.delete(prompt_id))
