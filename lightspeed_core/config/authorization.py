"""Section `authorization`, and the actions that a caller may be allowed."""

from enum import StrEnum
from typing import Final, Self

from pydantic import Field, model_validator

from lightspeed_core.config.section import Section


class Action(StrEnum):
    """What a caller may do; the values are the words of the access rules."""

    ADMIN = "admin"
    LIST_OTHER_CONVERSATIONS = "list_other_conversations"
    READ_OTHER_CONVERSATIONS = "read_other_conversations"
    QUERY_OTHER_CONVERSATIONS = "query_other_conversations"
    DELETE_OTHER_CONVERSATIONS = "delete_other_conversations"
    QUERY = "query"
    STREAMING_QUERY = "streaming_query"
    GET_CONVERSATION = "get_conversation"
    LIST_CONVERSATIONS = "list_conversations"
    DELETE_CONVERSATION = "delete_conversation"
    UPDATE_CONVERSATION = "update_conversation"
    FEEDBACK = "feedback"
    GET_MODELS = "get_models"
    GET_TOOLS = "get_tools"
    GET_SHIELDS = "get_shields"
    LIST_PROVIDERS = "list_providers"
    GET_PROVIDER = "get_provider"
    GET_METRICS = "get_metrics"
    GET_CONFIG = "get_config"
    INFO = "info"
    MODEL_OVERRIDE = "model_override"
    RESPONSES = "responses"
    GET_SKILLS = "get_skills"
    LIST_RAGS = "list_rags"
    GET_RAG = "get_rag"
    RLSAPI_V1_INFER = "rlsapi_v1_infer"
    REGISTER_MCP_SERVER = "register_mcp_server"
    LIST_MCP_SERVERS = "list_mcp_servers"
    DELETE_MCP_SERVER = "delete_mcp_server"
    A2A_AGENT_CARD = "a2a_agent_card"
    A2A_TASK_EXECUTION = "a2a_task_execution"
    A2A_MESSAGE = "a2a_message"
    A2A_JSONRPC = "a2a_jsonrpc"
    MANAGE_VECTOR_STORES = "manage_vector_stores"
    READ_VECTOR_STORES = "read_vector_stores"
    MANAGE_FILES = "manage_files"
    MANAGE_PROMPTS = "manage_prompts"
    READ_PROMPTS = "read_prompts"
    MANAGE_SAVED_PROMPTS = "manage_saved_prompts"


ACTIONS_ON_OTHERS: Final = frozenset(
    {
        Action.LIST_OTHER_CONVERSATIONS,
        Action.READ_OTHER_CONVERSATIONS,
        Action.QUERY_OTHER_CONVERSATIONS,
        Action.DELETE_OTHER_CONVERSATIONS,
    }
)
"""Actions on the conversations of other people."""


class AccessRule(Section):
    """The actions that a role is allowed."""

    role: str = Field(description="A role; `*` is everybody.")
    actions: tuple[Action, ...] = Field(description="What the role may do.")

    @model_validator(mode="after")
    def _check_admin(self) -> Self:
        if Action.ADMIN in self.actions and len(set(self.actions)) > 1:
            raise ValueError("Access rule with 'admin' action cannot have other actions")
        return self


class AuthorizationConfiguration(Section):
    """Which role may do what."""

    access_rules: tuple[AccessRule, ...] = Field(default=(), description="Roles and their actions.")
