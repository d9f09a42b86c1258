"""Shields of the configuration's own section `shields`, run in this process.

What they do stands in the providers of the same names, which a run.yaml may register as well.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final

from lightspeed_core.assistant.shields.shield import (
    Block,
    Direction,
    Pass,
    Rewrite,
    Shield,
    ShieldContext,
    Verdict,
)
from lightspeed_core.config.shields import (
    InjectionRulesShield,
    QuestionValidityShield,
    RedactionShield,
    ShieldConfiguration,
)
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.engine.types import ChatRequest, ShieldInfo
from lightspeed_stack_providers.injection_rules.config import DEFAULT_RESPONSE
from lightspeed_stack_providers.question_validity.prompt import (
    DEFAULT_PROMPT,
    DEFAULT_REFUSAL,
    is_allowed,
    write_prompt,
)
from lightspeed_stack_providers.redaction.config import RedactionConfig
from lightspeed_stack_providers.redaction.rules import Redactor

_LONG_TEXT: Final = 2_000
# Some hundred patterns, which a start does not wait for.
_RULES: Final = "lightspeed_stack_providers.injection_rules.rules"


def configured_shields(section: Sequence[ShieldConfiguration]) -> tuple[Shield, ...]:
    """Return the shields of the section in its order."""
    return tuple(_shield(each) for each in section)


def describe_configured(shield: ShieldConfiguration) -> ShieldInfo:
    """Describe a shield of the section as those of the engine are described."""
    config: dict[str, Any] = shield.config.model_dump(mode="json", exclude_none=True)
    return ShieldInfo(
        identifier=shield.name,
        provider_id=shield.provider_id,
        provider_resource_id=shield.name,
        may_rewrite=isinstance(shield, RedactionShield),
        params=config,
    )


def _shield(shield: ShieldConfiguration) -> Shield:
    info = describe_configured(shield)
    match shield:
        case QuestionValidityShield(config=config):
            return QuestionValidity(
                info=info,
                model=config.model_id,
                prompt=config.model_prompt or DEFAULT_PROMPT,
                refusal=config.invalid_question_response or DEFAULT_REFUSAL,
            )
        case RedactionShield(config=config):
            return Redaction(info, Redactor(RedactionConfig.model_validate(config.model_dump())))
        case InjectionRulesShield(config=config):
            return InjectionRules(info, config.response or DEFAULT_RESPONSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionValidity:
    """Lets a model decide whether a question belongs to the product; looks at nothing else."""

    info: ShieldInfo
    model: str
    prompt: str
    refusal: str
    reads_documents: bool = False

    async def check(self, text: str, direction: Direction, context: ShieldContext) -> Verdict:
        """Ask the model. Raises what calling it raises."""
        if direction is not Direction.INPUT:
            return Pass()
        prompt = Message(role=Role.USER, content=write_prompt(self.prompt, text))
        request = ChatRequest(model=self.model, messages=(prompt,), temperature=0.0)
        tokens = list[str]()
        async with aclosing(context.engine.chat(request)) as deltas:
            async for delta in deltas:
                tokens.extend(delta.tokens)
        return Pass() if is_allowed("".join(tokens)) else Block(self.refusal)


@dataclass(frozen=True, slots=True)
class Redaction:
    """Takes values out of questions and answers by rules."""

    info: ShieldInfo
    redactor: Redactor
    reads_documents: bool = False

    async def check(self, text: str, _direction: Direction, _context: ShieldContext) -> Verdict:
        """Rewrite; patterns compute in a thread, for they are the operator's."""
        redacted = await asyncio.to_thread(self.redactor.redact, text)
        if redacted.text == text:
            return Pass()
        return Rewrite(redacted.text, redacted.restore)


@dataclass(frozen=True, slots=True)
class InjectionRules:
    """Blocks questions, and takes out of documents what gives orders to the assistant."""

    info: ShieldInfo
    response: str
    reads_documents: bool = True

    async def check(self, text: str, direction: Direction, _context: ShieldContext) -> Verdict:
        """Judge by fixed rules; a long text is read in a thread."""
        if direction is Direction.OUTPUT:
            return Pass()
        judge = partial(_judged, text, direction, self.response)
        takes_long = len(text) > _LONG_TEXT or _RULES not in sys.modules
        return await asyncio.to_thread(judge) if takes_long else judge()


def _judged(text: str, direction: Direction, response: str) -> Verdict:
    rules = import_module(_RULES)
    if direction is Direction.DOCUMENT:
        neutral: str = rules.neutralize(text)
        return Pass() if neutral == text else Rewrite(neutral)
    return Pass() if rules.find_injection(text) is None else Block(response)
