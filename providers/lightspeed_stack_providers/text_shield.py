"""What shields of ours have in common in the stack's words: texts in, violations out.

A rewrite is a violation of level `warn` with the new text in `metadata.rewritten`, and what was
taken out, by its placeholder, in `metadata.restore`. It knows nothing of any one shield.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import override

from llama_stack_api import (
    ModerationObject,
    ModerationObjectResults,
    OpenAIMessageParam,
    RunModerationRequest,
    RunShieldRequest,
    RunShieldResponse,
    Safety,
    SafetyViolation,
    Shield,
    ShieldsProtocolPrivate,
    ShieldStore,
    ViolationLevel,
)


@dataclass(frozen=True, slots=True)
class Blocked:
    """The text goes no further; `text` is the answer in its place."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Another text takes its place."""

    text: str
    restore: Mapping[str, str] = field(default_factory=dict[str, str])


class TextShield(Safety, ShieldsProtocolPrivate):
    """A safety provider that judges the last of the messages by its text.

    Every shield that is registered with it behaves alike.
    """

    __provider_id__: str
    shield_store: ShieldStore

    async def judge(self, text: str, role: str) -> Blocked | Rewritten | None:
        """Judge a text; `role` is that of its message: user, assistant or tool."""
        raise NotImplementedError

    async def shutdown(self) -> None:
        """Hold nothing."""

    @override
    async def register_shield(self, shield: Shield) -> None:
        """Take any shield."""

    @override
    async def unregister_shield(self, identifier: str) -> None:
        """Forget nothing."""

    @override
    async def run_shield(self, request: RunShieldRequest) -> RunShieldResponse:
        """Judge the last message."""
        message = request.messages[-1]
        verdict = await self.judge(_text_of(message), message.role)
        return RunShieldResponse(violation=None if verdict is None else _violation(verdict))

    @override
    async def run_moderation(self, request: RunModerationRequest) -> ModerationObject:
        """Judge each input as a user's text; what is rewritten counts as flagged."""
        inputs = request.input if isinstance(request.input, list) else [request.input]
        verdicts = [await self.judge(text, "user") for text in inputs]
        return ModerationObject(
            id=f"modr-{uuid.uuid4()}",
            model=request.model or self.__provider_id__,
            results=[_moderation(verdict) for verdict in verdicts],
        )


def _violation(verdict: Blocked | Rewritten) -> SafetyViolation:
    match verdict:
        case Blocked(text, reason):
            return SafetyViolation(
                violation_level=ViolationLevel.ERROR,
                user_message=text,
                metadata={"violation_type": reason},
            )
        case Rewritten(text, restore):
            return SafetyViolation(
                violation_level=ViolationLevel.WARN,
                user_message=None,
                metadata={"rewritten": text, "restore": dict(restore)},
            )


def _moderation(verdict: Blocked | Rewritten | None) -> ModerationObjectResults:
    return ModerationObjectResults(
        flagged=verdict is not None,
        categories=None,
        category_applied_input_types=None,
        category_scores=None,
        user_message=verdict.text if isinstance(verdict, Blocked) else None,
    )


def _text_of(message: OpenAIMessageParam) -> str:
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(getattr(part, "text", "") for part in content)
