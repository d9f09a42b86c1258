"""What was asked, as the API hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lightspeed_core.domain.messages import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """One question, checked for form and not yet for sense.

    `vector_store_ids` and `shield_ids` are None for the configured ones and empty for none.
    `mcp_headers` are by server name, already parsed; `headers` are those of the request, of which
    servers of tools are passed what their configuration names. `endpoint` is the path that was
    asked, for what is counted by it. `prompt_variables` are what the request tells the configured
    prompt. `search_text` is what stores are searched for, where that is not the whole query.
    `cites` says whether markers stay in the answer; `plain_text_only` refuses what `plain_text`
    sees through.
    """

    query: str
    endpoint: str = "/v1/query"
    conversation_id: str | None = None
    provider: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    attachments: tuple[Attachment, ...] = ()
    no_tools: bool = False
    generate_topic_summary: bool = True
    vector_store_ids: tuple[str, ...] | None = None
    shield_ids: tuple[str, ...] | None = None
    search_text: str | None = None
    cites: bool = True
    plain_text_only: bool = False
    prompt_variables: Mapping[str, str] = field(default_factory=dict[str, str])
    mcp_headers: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, Mapping[str, str]], repr=False
    )
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)
