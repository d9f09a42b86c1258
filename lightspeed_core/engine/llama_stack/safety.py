"""Shields, run one by one and by name; never through the stack's Responses API."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard, cast

from lightspeed_core.domain.messages import Message
from lightspeed_core.engine.llama_stack.chat import messages_of
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.stack import Json, Stack
from lightspeed_core.engine.types import ShieldVerdict
from lightspeed_core.errors import EngineFailed, NotFound

DEFAULT_REFUSAL = "I'm sorry, I can't help with that."
_LEVELS: Final = frozenset({"info", "warn", "error"})


async def run_shield(stack: Stack, shield_id: str, messages: Sequence[Message]) -> ShieldVerdict:
    """Ask a shield about the last message.

    A violation of level `info` or `warn` is reported in `metadata` and does not block; one of
    level `warn` may say in `metadata.rewritten` what the text becomes. Raises `NotFound` for a
    shield that is not listed and `EngineFailed` for an answer that means nothing.
    """
    with translated():
        if shield_id not in {each["identifier"] for each in await stack.shields()}:
            raise NotFound("shield", shield_id)
        violation = await stack.run_shield(shield_id, messages_of(messages))
    return ShieldVerdict(blocked=False) if violation is None else _verdict(shield_id, violation)


def _verdict(shield_id: str, violation: Json) -> ShieldVerdict:
    level = violation.get("violation_level") or "error"
    metadata = violation.get("metadata") or {}
    message = violation.get("user_message") or ""
    if level not in _LEVELS or not isinstance(metadata, Mapping) or not isinstance(message, str):
        raise EngineFailed(f"Shield {shield_id} gave an answer that means nothing.")
    told = {**cast("Json", metadata), "violation_level": str(level)}
    if level == "error":
        return ShieldVerdict(blocked=True, text=message or DEFAULT_REFUSAL, metadata=told)
    if level == "info" or told.get("rewritten") is None:
        return ShieldVerdict(blocked=False, metadata=told)
    rewritten, restore = told.pop("rewritten"), told.pop("restore", None) or {}
    if not isinstance(rewritten, str) or not _is_of_texts(restore):
        raise EngineFailed(f"Shield {shield_id} gave a rewritten text that is none.")
    return ShieldVerdict(blocked=False, rewritten=rewritten, restore=restore, metadata=told)


def _is_of_texts(restore: object) -> TypeGuard[Mapping[str, str]]:
    return isinstance(restore, Mapping) and all(
        isinstance(text, str)
        for pair in cast("Mapping[object, object]", restore).items()
        for text in pair
    )
