"""Shields of the engine, and the choice among them and those of the configuration.

A violation of level `error` blocks; one of level `warn` may rewrite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lightspeed_core.assistant.shields.shield import (
    Block,
    Direction,
    Pass,
    Rewrite,
    Shield,
    ShieldContext,
    Verdict,
)
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import ShieldInfo
from lightspeed_core.errors import NotFound

DOCUMENTS: Final = "documents"
"""The parameter by which a registered shield asks to see documents and results of tools."""


@dataclass(frozen=True, slots=True)
class RegisteredShield:
    """A shield that the engine runs."""

    info: ShieldInfo

    @property
    def reads_documents(self) -> bool:
        """Say whether its registration asks for documents."""
        return self.info.params.get(DOCUMENTS) is True

    async def check(self, text: str, direction: Direction, context: ShieldContext) -> Verdict:
        """Ask the engine; an answer is shown with its question, a document as a tool's result."""
        messages = _messages(text, direction, context)
        verdict = await context.engine.run_shield(self.info.identifier, messages)
        if verdict.blocked:
            return Block(verdict.text)
        if verdict.rewritten is not None:
            return Rewrite(verdict.rewritten, verdict.restore)
        return Pass()


def _messages(text: str, direction: Direction, context: ShieldContext) -> tuple[Message, ...]:
    match direction:
        case Direction.INPUT:
            return (Message(role=Role.USER, content=text),)
        case Direction.OUTPUT:
            return (
                Message(role=Role.USER, content=context.question),
                Message(role=Role.ASSISTANT, content=text),
            )
        case Direction.DOCUMENT:
            return (Message(role=Role.TOOL, content=text, tool_call_id="document"),)


def together_with(
    configured: Sequence[ShieldInfo], registered: Sequence[ShieldInfo]
) -> list[ShieldInfo]:
    """Return the configured shields, then the registered; of one name, the configured."""
    taken = {each.identifier for each in configured}
    return [*configured, *(each for each in registered if each.identifier not in taken)]


async def choose_shields(
    engine: Engine, configured: Sequence[Shield], requested: Sequence[str] | None
) -> tuple[Shield, ...]:
    """Return the requested shields, all for None. Raises `NotFound` for an unknown one."""
    ours = {each.info.identifier: each for each in configured}
    listed = together_with([each.info for each in configured], await engine.shields())
    known = [ours.get(info.identifier) or RegisteredShield(info) for info in listed]
    if requested is None:
        return tuple(known)
    by_name = {each.info.identifier: each for each in known}
    for name in requested:
        if name not in by_name:
            raise NotFound("shield", name)
    return tuple(by_name[name] for name in dict.fromkeys(requested))
