"""`/v1/saved-prompts`: the caller's own prompts."""

from typing import Annotated, Final

from fastapi import APIRouter

from lightspeed_core import errors
from lightspeed_core.api.deps import SavedPromptsDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.saved_prompts import (
    SavedPrompt,
    SavedPromptDeleted,
    SavedPromptId,
    SavedPromptRequest,
    SavedPromptsConfigResponse,
    SavedPromptsResponse,
)
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

router = APIRouter(prefix="/v1/saved-prompts", tags=["saved_prompts"], route_class=GuardedRoute)

_STORE_ERRORS: Final = (*CALLER_ERRORS, errors.StoreUnavailable)

Saver = Annotated[Identity, require(Action.MANAGE_SAVED_PROMPTS)]


@router.get(
    "/config",
    dependencies=[require(Action.GET_CONFIG)],
    responses=responses(*CALLER_ERRORS),
)
async def saved_prompts_config(prompts: SavedPromptsDep) -> SavedPromptsConfigResponse:
    """Say how many prompts a user may save, and how long they may be."""
    return SavedPromptsConfigResponse.of(prompts.limits)


@router.get("", responses=responses(*_STORE_ERRORS))
async def list_saved_prompts(prompts: SavedPromptsDep, caller: Saver) -> SavedPromptsResponse:
    """List one's own prompts, the newest first."""
    return SavedPromptsResponse.of(await prompts.list(caller))


@router.post(
    "",
    status_code=201,
    responses=responses(*_STORE_ERRORS, errors.Conflict, errors.InvalidRequest),
)
async def save_prompt(
    body: SavedPromptRequest, prompts: SavedPromptsDep, caller: Saver
) -> SavedPrompt:
    """Save a prompt under a name that none of one's own has."""
    return SavedPrompt.of(await prompts.add(caller, body.name, body.content))


@router.delete("/{saved_prompt_id}", responses=responses(*_STORE_ERRORS, errors.InvalidRequest))
async def delete_saved_prompt(
    saved_prompt_id: SavedPromptId, prompts: SavedPromptsDep, caller: Saver
) -> SavedPromptDeleted:
    """Delete one of one's own prompts."""
    deleted = await prompts.delete(caller, saved_prompt_id)
    return SavedPromptDeleted.of(saved_prompt_id, deleted=deleted)
