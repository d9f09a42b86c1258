"""What routes ask for by type: narrow views of the services."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Header, Request

from lightspeed_core.api.mcp_headers import parse_mcp_headers
from lightspeed_core.api.state import Turns, services_of
from lightspeed_core.assistant.mcp_tools import McpToolSource
from lightspeed_core.assistant.sources import Sources
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.files.access import Files
from lightspeed_core.ingest.handed_over import HandedOverFiles
from lightspeed_core.mcp.registry import McpServers
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.prompts.saved import SavedPrompts
from lightspeed_core.prompts.store import PromptStore
from lightspeed_core.user_data.feedback import FeedbackCollector


# The framework runs plain functions in threads, so these are coroutines.
async def _assistant(request: Request) -> Turns:
    return services_of(request).assistant


async def _engine(request: Request) -> Engine:
    return services_of(request).engine


async def _sources(request: Request) -> Sources:
    services = services_of(request)
    return Sources(services.engine, services.source_settings)


async def _conversations(request: Request) -> ConversationAccess:
    return services_of(request).conversations


async def _configuration(request: Request) -> Configuration:
    return services_of(request).configuration


async def _metrics(request: Request) -> Metrics:
    return services_of(request).metrics


async def _feedback(request: Request) -> FeedbackCollector:
    return services_of(request).feedback


async def _enabled_feedback(request: Request) -> FeedbackCollector:
    # A dependency, so that the body of what is not taken is not judged.
    collector = services_of(request).feedback
    await collector.require_enabled()
    return collector


async def _prompts(request: Request) -> PromptStore:
    return services_of(request).prompts


async def _saved_prompts(request: Request) -> SavedPrompts:
    return services_of(request).saved_prompts


async def _files(request: Request) -> Files:
    return services_of(request).files


async def _handed_over(request: Request) -> HandedOverFiles:
    return services_of(request).handed_over


async def _mcp_headers(
    text: Annotated[
        str,
        Header(
            alias="MCP-HEADERS",
            description='Headers for MCP servers, as JSON: `{"server": {"header": "value"}}`.',
        ),
    ] = "",
) -> dict[str, dict[str, str]]:
    return parse_mcp_headers(text)


async def _request_headers(request: Request) -> Mapping[str, str]:
    return request.headers


async def _mcp_servers(request: Request) -> McpServers:
    return services_of(request).mcp.servers


async def _mcp_tools(request: Request) -> McpToolSource:
    return services_of(request).mcp.tools


AssistantDep = Annotated[Turns, Depends(_assistant)]
EngineDep = Annotated[Engine, Depends(_engine)]
SourcesDep = Annotated[Sources, Depends(_sources)]
ConversationsDep = Annotated[ConversationAccess, Depends(_conversations)]
ConfigurationDep = Annotated[Configuration, Depends(_configuration)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
FeedbackDep = Annotated[FeedbackCollector, Depends(_feedback)]
EnabledFeedbackDep = Annotated[FeedbackCollector, Depends(_enabled_feedback)]
PromptsDep = Annotated[PromptStore, Depends(_prompts)]
SavedPromptsDep = Annotated[SavedPrompts, Depends(_saved_prompts)]
FilesDep = Annotated[Files, Depends(_files)]
HandedOverDep = Annotated[HandedOverFiles, Depends(_handed_over)]
McpHeadersDep = Annotated[dict[str, dict[str, str]], Depends(_mcp_headers)]
RequestHeadersDep = Annotated[Mapping[str, str], Depends(_request_headers)]
McpServersDep = Annotated[McpServers, Depends(_mcp_servers)]
McpToolsDep = Annotated[McpToolSource, Depends(_mcp_tools)]
