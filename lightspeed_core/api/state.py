"""The services that routes reach; built by the composition root, carried by the lifespan's state.

The lifespan yields `{"services": Services(...)}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request

from lightspeed_core.api.bodies import HeldBytes
from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.assistant.assistant import Interruption
from lightspeed_core.assistant.live import EventSource
from lightspeed_core.assistant.mcp_tools import McpToolSource
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.sources import SourceSettings
from lightspeed_core.audit.trail import AuditTrail, NoTrail
from lightspeed_core.auth.authenticator import Authenticator
from lightspeed_core.auth.authorizer import Authorizer
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.conversations.approvals import Answered
from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import Turn
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.files.access import Files
from lightspeed_core.ingest.handed_over import HandedOverFiles
from lightspeed_core.mcp.registry import McpServers
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.prompts.saved import SavedPrompts
from lightspeed_core.prompts.store import PromptStore
from lightspeed_core.user_data.feedback import FeedbackCollector


class Turns(Protocol):
    """What the API asks of the assistant; `Assistant` says what each call promises."""

    async def start(self, request: TurnRequest, caller: Identity) -> EventSource:
        """Start a turn; every refusal before its first event is raised."""
        ...

    async def infer(self, request: TurnRequest, caller: Identity) -> Turn:
        """Answer without a conversation and without storing anything."""
        ...

    async def resume(self, turn_id: str, caller: Identity) -> EventSource:
        """Follow a turn again from its first event."""
        ...

    async def interrupt(self, turn_id: str, caller: Identity) -> Interruption:
        """Stop a turn."""
        ...

    async def approvals(self, caller: Identity) -> Sequence[Approval]:
        """Return the calls of tools that turns of the caller wait for."""
        ...

    async def answer(self, answering: Answering, caller: Identity) -> Answered:
        """Allow such a call or deny it."""
        ...

    def abandon(self, turn_id: str) -> None:
        """Note that the client of a turn went away."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcp:
    """The servers of tools that are known, and what they offer."""

    servers: McpServers
    tools: McpToolSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the API calls."""

    configuration: Configuration
    engine: Engine
    authenticator: Authenticator
    authorizer: Authorizer
    assistant: Turns
    conversations: ConversationAccess
    metrics: Metrics
    feedback: FeedbackCollector
    prompts: PromptStore
    saved_prompts: SavedPrompts
    files: Files
    handed_over: HandedOverFiles
    mcp: Mcp
    source_settings: SourceSettings = field(default_factory=SourceSettings)
    audit: AuditTrail = field(default_factory=NoTrail)
    held_bytes: HeldBytes = field(default_factory=HeldBytes)


def services_of(request: Request) -> Services:
    """Return the services that serve a request."""
    services: Services = request.state.services
    return services
