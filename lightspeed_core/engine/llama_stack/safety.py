"""Shields, run one by one and by name; never through the stack's Responses API."""

from collections.abc import Sequence

from lightspeed_core.domain.messages import Message
from lightspeed_core.engine.llama_stack.chat import messages_of
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.stack import Json, Stack
from lightspeed_core.engine.types import ShieldVerdict
from lightspeed_core.errors import NotFound

DEFAULT_REFUSAL = "I'm sorry, I can't help with that."


async def run_shield(stack: Stack, shield_id: str, messages: Sequence[Message]) -> ShieldVerdict:
    """Ask a shield about the last message. Raises `NotFound` for one that is not listed.

    A violation of level `info` or `warn` is reported in `metadata` and does not block.
    """
    with translated():
        if shield_id not in {each["identifier"] for each in await stack.shields()}:
            raise NotFound("shield", shield_id)
        violation = await stack.run_shield(shield_id, messages_of(messages))
    return ShieldVerdict(blocked=False) if violation is None else _verdict(violation)


def _verdict(violation: Json) -> ShieldVerdict:
    level = str(violation.get("violation_level") or "error")
    blocked = level == "error"
    return ShieldVerdict(
        blocked=blocked,
        text=(violation.get("user_message") or DEFAULT_REFUSAL) if blocked else "",
        metadata={**(violation.get("metadata") or {}), "violation_level": level},
    )
