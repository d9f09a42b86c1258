"""The configuration as a whole, and the rules that span sections."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from lightspeed_core.config.audit import AuditConfiguration
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.config.authorization import AuthorizationConfiguration
from lightspeed_core.config.compaction import CompactionConfiguration
from lightspeed_core.config.conversations import ConversationCacheConfiguration
from lightspeed_core.config.customization import CustomizationConfiguration
from lightspeed_core.config.database import DatabaseConfiguration
from lightspeed_core.config.inference import InferenceConfiguration
from lightspeed_core.config.integrations import (
    A2AStateConfiguration,
    AzureEntraIdConfiguration,
    QuotaSubject,
    RlsapiV1Configuration,
    SkillsConfiguration,
    SplunkConfiguration,
)
from lightspeed_core.config.knowledge import KnowledgeConfiguration
from lightspeed_core.config.limits import ApprovalsConfiguration, SavedPromptsConfiguration
from lightspeed_core.config.llama_stack import (
    ConfigurationFormat,
    LlamaStackConfiguration,
    check_run_configuration_source,
)
from lightspeed_core.config.mcp import (
    McpConfiguration,
    ModelContextProtocolServer,
    check_server_names,
)
from lightspeed_core.config.observability import ObservabilityConfiguration
from lightspeed_core.config.outbound import OutboundConfiguration
from lightspeed_core.config.quota import QuotaHandlersConfiguration
from lightspeed_core.config.rag import ByokRag
from lightspeed_core.config.rag_rules import check_stores
from lightspeed_core.config.retention import RetentionConfiguration
from lightspeed_core.config.retrieval import RagConfiguration
from lightspeed_core.config.safety import SafetyConfiguration
from lightspeed_core.config.section import Section
from lightspeed_core.config.service import ServiceConfiguration
from lightspeed_core.config.shields import ShieldConfiguration, check_shield_names
from lightspeed_core.config.user_data import UserDataCollection
from lightspeed_core.config.vector_store import VectorStoreConfiguration


class Configuration(Section):
    """All settings of the service."""

    name: str = Field(description="Name of the service, shown to clients.")
    service: ServiceConfiguration = Field(description="Listener, processes, life of a turn.")
    llama_stack: LlamaStackConfiguration = Field(description="How Llama Stack is reached.")
    user_data_collection: UserDataCollection = Field(description="Feedback and transcripts.")
    retention: RetentionConfiguration = Field(
        default=RetentionConfiguration(), description="How long what users leave behind is kept."
    )
    database: DatabaseConfiguration = Field(
        default=DatabaseConfiguration(), description="Where conversations are kept."
    )
    mcp_servers: Annotated[
        tuple[ModelContextProtocolServer, ...], AfterValidator(check_server_names)
    ] = Field(default=(), description="Servers of tools.")
    mcp: McpConfiguration = Field(
        default=McpConfiguration(), description="How servers of tools are called."
    )
    outbound: OutboundConfiguration = Field(
        default=OutboundConfiguration(), description="What leaves the process over HTTP."
    )
    authentication: AuthenticationConfiguration = Field(
        default=AuthenticationConfiguration(), description="Who the caller is."
    )
    authorization: AuthorizationConfiguration | None = Field(
        default=None, description="Which role may do what."
    )
    audit: AuditConfiguration = Field(
        default=AuditConfiguration(), description="Who asked for what, and what came of it."
    )
    customization: CustomizationConfiguration | None = Field(
        default=None, description="Prompts, and what a request may override."
    )
    inference: InferenceConfiguration = Field(
        default=InferenceConfiguration(), description="Default model, limits of one turn."
    )
    conversation_cache: ConversationCacheConfiguration = Field(
        default=ConversationCacheConfiguration(),
        description="Where conversations are kept when `database` is not configured.",
    )
    byok_rag: tuple[ByokRag, ...] = Field(default=(), description="Vector stores, older form.")
    rag: RagConfiguration = Field(default=RagConfiguration(), description="What is searched.")
    knowledge: KnowledgeConfiguration = Field(
        default=KnowledgeConfiguration(), description="Documents that are indexed by the service."
    )
    quota_handlers: QuotaHandlersConfiguration = Field(
        default=QuotaHandlersConfiguration(), description="How many tokens may be spent."
    )
    compaction: CompactionConfiguration = Field(
        default=CompactionConfiguration(),
        description="Conversations that outgrow the context window.",
    )
    approvals: ApprovalsConfiguration = Field(
        default=ApprovalsConfiguration(), description="Tool calls that a person must approve."
    )
    vector_store: VectorStoreConfiguration = Field(
        default=VectorStoreConfiguration(), description="Providers of vector stores."
    )
    saved_prompts: SavedPromptsConfiguration = Field(
        default=SavedPromptsConfiguration(), description="Prompts that users save."
    )
    shields: Annotated[tuple[ShieldConfiguration, ...], AfterValidator(check_shield_names)] = Field(
        default=(), description="Checks of ours over questions and answers."
    )
    safety: SafetyConfiguration = Field(
        default=SafetyConfiguration(), description="How shields run, and what if one fails."
    )
    a2a_state: A2AStateConfiguration = Field(
        default=A2AStateConfiguration(), description="State of agents' tasks."
    )
    rlsapi_v1: RlsapiV1Configuration = Field(
        default=RlsapiV1Configuration(), description="Stateless requests."
    )
    azure_entra_id: AzureEntraIdConfiguration | None = Field(
        default=None, description="Tokens for models in Azure."
    )
    splunk: SplunkConfiguration | None = Field(default=None, description="Events for Splunk.")
    skills: SkillsConfiguration | None = Field(default=None, description="Skills for the model.")
    observability: ObservabilityConfiguration = Field(
        default=ObservabilityConfiguration(), description="What the environment says to tracing."
    )
    deployment_environment: str = Field(default="development", description="Name shown in traces.")
    config_format_version: ConfigurationFormat | None = Field(
        default=None, description="Form of the Llama Stack settings that this file promises."
    )
    data_directory: Path | None = Field(
        default=None, description="Derived from the environment; cannot be set."
    )

    @model_validator(mode="after")
    def _check_run_configuration(self) -> Self:
        shape = check_run_configuration_source(
            self.llama_stack,
            describes_providers=bool(self.inference.providers or self.vector_store.providers),
        )
        if self.config_format_version not in {None, shape}:
            raise ValueError(
                f"config_format_version is '{self.config_format_version}' but the configuration "
                f"body is {shape}-shaped: correct or remove config_format_version."
            )
        return self

    @model_validator(mode="after")
    def _check_stores(self) -> Self:
        kept = (self.knowledge.store, *(folder.store for folder in self.knowledge.folders))
        check_stores(self.byok_rag, self.rag, others=kept)
        return self

    @model_validator(mode="after")
    def _check_retention(self) -> Self:
        for kind in ("transcripts", "feedback"):
            days = getattr(self.retention, f"{kind}_days")
            if days is not None and getattr(self.user_data_collection, f"{kind}_storage") is None:
                raise ValueError(
                    f"retention.{kind}_days needs user_data_collection.{kind}_storage, "
                    "the directory of the files"
                )
        return self

    @model_validator(mode="after")
    def _check_quota_subject(self) -> Self:
        subject = self.rlsapi_v1.quota_subject
        if subject in {QuotaSubject.ORG_ID, QuotaSubject.SYSTEM_ID} and (
            self.authentication.module is not AuthenticationModule.RH_IDENTITY
        ):
            raise ValueError(
                f"rlsapi_v1.quota_subject '{subject}' requires authentication module "
                f"'rh-identity', not '{self.authentication.module}'"
            )
        return self
