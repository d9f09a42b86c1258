"""What each part is told of the configuration."""

import os
from collections.abc import Iterator
from pathlib import Path

from lightspeed_core.app.sources import own_stores, source_settings
from lightspeed_core.assistant.context import (
    DEFAULT_INFER_ITERS,
    DEFAULT_TOOL_CALLS,
    AssistantSettings,
    CompactionSettings,
)
from lightspeed_core.assistant.shields.configured import configured_shields
from lightspeed_core.assistant.shields.sealing import Seal
from lightspeed_core.assistant.shields.shield import DEFAULT_FAILURE_RESPONSE, ShieldSettings
from lightspeed_core.config.customization import CustomizationConfiguration, CustomProfile
from lightspeed_core.config.database import (
    DatabaseBackend,
    PostgreSQLDatabaseConfiguration,
    SQLiteDatabaseConfiguration,
)
from lightspeed_core.config.llama_stack import UnifiedLlamaStackConfiguration
from lightspeed_core.config.profile import DEFAULT_PROMPT, TOPIC_PROMPT
from lightspeed_core.config.prompt_template import SystemPrompt, compile_prompt
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.safety import SafetyConfiguration
from lightspeed_core.config.service import OnDisconnect
from lightspeed_core.config.shields import QuestionValidityShield
from lightspeed_core.config.shipped import SHIPPED_RUN_CONFIGURATION, shipped_file
from lightspeed_core.constants import DEFAULT_SYSTEM_PROMPT
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.engine.llama_stack.settings import (
    EngineSettings,
    Reliance,
    Resource,
    RunConfigSections,
)
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_stack_providers.redaction.config import KEY_VARIABLE


def engine_settings(configuration: Configuration) -> EngineSettings:
    """Say how Llama Stack is reached and what the configuration relies on in it."""
    stack = configuration.llama_stack
    if configuration.data_directory is None:
        raise ConfigurationError("data_directory: a loaded configuration names it")
    run_config = stack.library_client_config_path
    folder = configuration.knowledge.embedding_folder
    return EngineSettings(
        library_mode=bool(stack.use_as_library_client),
        run_config=Path(run_config) if run_config else None,
        sections=None if run_config else _run_config_sections(configuration),
        own_stores=own_stores(configuration),
        embedding_folder=Path(folder).expanduser() if folder else None,
        url=stack.url,
        api_key=stack.api_key.get_secret_value() if stack.api_key else None,
        data_dir=configuration.data_directory,
        outbound=outbound_settings(configuration),
        timeout=stack.timeout,
        max_retries=stack.max_retries,
        retry_delay=stack.retry_delay,
        allow_degraded_mode=stack.allow_degraded_mode,
        boot_wait_seconds=configuration.service.boot_wait_seconds,
        relies_on=tuple(_relied_on(configuration)),
    )


def outbound_settings(configuration: Configuration) -> OutboundSettings:
    """Say what may be asked over HTTP, and whom to believe there."""
    outbound = configuration.outbound
    return OutboundSettings(
        allowed_private=outbound.allowed_private,
        ca_bundle=outbound.ca_bundle,
        client_certificate=outbound.client_certificate,
        client_key=outbound.client_key,
        client_key_password=outbound.password,
    )


def _run_config_sections(configuration: Configuration) -> RunConfigSections | None:
    """Return the sections that describe a run configuration; None where a server has its own."""
    if not configuration.llama_stack.use_as_library_client:
        return None
    default = default_model(configuration)
    return RunConfigSections(
        config=configuration.llama_stack.config or UnifiedLlamaStackConfiguration(),
        inference=configuration.inference.providers,
        vector_store=configuration.vector_store,
        default_baseline=shipped_file(SHIPPED_RUN_CONFIGURATION),
        default_models={default.provider: default.model} if default else {},
    )


def database_settings(configuration: Configuration) -> DatabaseSettings | None:
    """Say where the database is; None keeps everything in memory."""
    backend = configuration.database.backend
    return None if backend is None else settings_of(backend)


def settings_of(backend: DatabaseBackend) -> DatabaseSettings:
    """Say how a configured database is reached."""
    match backend:
        case SQLiteDatabaseConfiguration(db_path=path):
            return SqliteSettings(path=Path(path))
        case PostgreSQLDatabaseConfiguration() as server:
            return PostgresSettings(
                host=server.host,
                port=server.port,
                database=server.db,
                user=server.user,
                password=server.password.get_secret_value(),
                namespace=server.namespace,
                ssl_mode=server.ssl_mode,
                ca_cert_path=server.ca_cert_path,
            )


def _relied_on(configuration: Configuration) -> Iterator[Reliance]:
    if default := default_model(configuration):
        yield Reliance(
            resource=Resource.MODEL, name=default.identifier, place="inference.default_model"
        )
    for index, shield in enumerate(configuration.shields):
        if isinstance(shield, QuestionValidityShield):
            place = f"shields[{index}].config.model_id"
            yield Reliance(resource=Resource.MODEL, name=shield.config.model_id, place=place)
    if configuration.llama_stack.use_as_library_client:
        for store in own_stores(configuration).stores:
            place = f"{store.place}.vector_db_id"
            yield Reliance(resource=Resource.VECTOR_STORE, name=store.store_id, place=place)
    if configuration.knowledge.product_docs:
        yield Reliance(
            resource=Resource.VECTOR_STORE,
            name=configuration.knowledge.store,
            place="knowledge.store",
        )


def assistant_settings(configuration: Configuration) -> AssistantSettings:
    """Say how turns run."""
    service = configuration.service
    customization = configuration.customization or CustomizationConfiguration()
    inline = configuration.rag.retrieval.inline
    inference = configuration.inference
    return AssistantSettings(
        system_prompt=_system_prompt(customization),
        topic_prompt=_topic_prompt(customization),
        allow_system_prompt=not customization.disable_query_system_prompt,
        allow_shield_ids=not customization.disable_shield_ids_override,
        default_model=default_model(configuration),
        sources=source_settings(configuration),
        models_without_tools=frozenset(inference.models_without_tools),
        max_chunks=inline.max_chunks,
        max_infer_iters=inference.max_infer_iters or DEFAULT_INFER_ITERS,
        max_tool_calls=inference.max_tool_calls or DEFAULT_TOOL_CALLS,
        turn_wait=service.turn_wait_seconds,
        resume_window=service.resume_seconds,
        heartbeat=service.heartbeat_seconds,
        drain=service.drain_seconds,
        cancel_on_disconnect=service.on_disconnect is OnDisconnect.CANCEL,
        compaction=_compaction(configuration),
        max_streams=service.limits.max_streams,
        max_streams_per_user=service.limits.max_streams_per_user,
        answer_tokens=configuration.quota_handlers.reserved_answer_tokens,
        approval_seconds=configuration.approvals.approval_timeout_seconds,
        approval_days=configuration.approvals.approval_retention_days,
        shields=configured_shields(configuration.shields),
        shielding=_shielding(configuration.safety),
        seal=Seal(os.environ.get(KEY_VARIABLE)),
    )


def _shielding(safety: SafetyConfiguration) -> ShieldSettings:
    return ShieldSettings(
        on_failure=safety.on_failure,
        on_answer_failure=safety.on_answer_failure,
        on_failure_of=safety.on_failure_of,
        failure_response=safety.failure_response or DEFAULT_FAILURE_RESPONSE,
        seconds=safety.timeout_seconds,
        window_sentences=safety.window_sentences,
        window_characters=safety.window_characters,
        look_behind=safety.look_behind_characters,
        original_for=safety.original_for,
    )


def _system_prompt(customization: CustomizationConfiguration) -> SystemPrompt:
    profile = customization.custom_profile or CustomProfile(path="")
    prompt = profile.prompts.get(DEFAULT_PROMPT) or customization.system_prompt
    return compile_prompt(prompt or DEFAULT_SYSTEM_PROMPT, profile.variables)


def _topic_prompt(customization: CustomizationConfiguration) -> SystemPrompt | None:
    profile = customization.custom_profile
    prompt = profile.prompts.get(TOPIC_PROMPT) if profile else None
    return compile_prompt(prompt, profile.variables) if profile and prompt else None


def _compaction(configuration: Configuration) -> CompactionSettings | None:
    section = configuration.compaction
    if not section.enabled:
        return None
    return CompactionSettings(
        threshold_ratio=section.threshold_ratio,
        token_floor=section.token_floor,
        buffer_turns=section.buffer_turns,
        buffer_max_ratio=section.buffer_max_ratio,
        context_windows=configuration.inference.context_windows,
    )


def default_model(configuration: Configuration) -> ModelRef | None:
    """Return the model of requests that name none, where one is configured."""
    inference = configuration.inference
    if inference.default_provider is None or inference.default_model is None:
        return None
    return ModelRef(provider=inference.default_provider, model=inference.default_model)
