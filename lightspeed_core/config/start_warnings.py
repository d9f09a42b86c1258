"""What an operator must be told at every start: settings that do nothing, and risky ones."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lightspeed_core.config.access_warnings import describe_access
from lightspeed_core.config.cluster_warnings import describe_cluster
from lightspeed_core.config.customization import CustomizationConfiguration, CustomProfile
from lightspeed_core.config.database import GSSEncMode
from lightspeed_core.config.mcp_warnings import describe_mcp
from lightspeed_core.config.place import Place, dotted
from lightspeed_core.config.profile import DEFAULT_PROMPT, TOPIC_PROMPT
from lightspeed_core.config.prompt_template import has_marks_in_vain
from lightspeed_core.config.quota import QuotaHandlersConfiguration
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.section import Section
from lightspeed_core.config.store_warnings import describe_stores

# A section leaves this table when the service serves it.
NOT_SERVED: Final[tuple[Place, ...]] = (
    ("a2a_state",),
    ("azure_entra_id",),
    ("customization", "agent_card_config"),
    ("customization", "agent_card_path"),
    ("deployment_environment",),
    ("observability", "otel"),
    ("rag", "okp"),
    ("rag", "retrieval", "inline", "reranker"),
    ("skills",),
    ("splunk",),
)


def list_start_warnings(
    configuration: Configuration, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return one line for each setting that the operator may rely on in vain or at a risk."""
    return (
        *(
            f"{dotted(place)} is not served by this version"
            for place in list_unserved(configuration)
        ),
        *describe_unserved_environment(environ),
        *describe_risks(configuration),
        *_describe_quotas(configuration),
        *_describe_prompts(configuration.customization),
        *_describe_folders(configuration),
    )


def list_unserved(configuration: Configuration) -> Iterator[Place]:
    """Give the places of settings that have no effect."""
    for place in NOT_SERVED:
        holder: object = configuration
        for part in place[:-1]:
            holder = getattr(holder, str(part), None)
        if isinstance(holder, Section) and _is_set(holder, str(place[-1])):
            yield place


def _is_set(section: Section, key: str) -> bool:
    field = type(section).model_fields[key]
    return getattr(section, key) != field.get_default(call_default_factory=True)


def describe_unserved_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Say which variables have no effect."""
    if environ.get("SENTRY_DSN"):
        yield "SENTRY_DSN is set, and error reporting is not served by this version"


def describe_risks(configuration: Configuration) -> Iterator[str]:
    """Say which settings are a risk, or not what they seem."""
    if not configuration.llama_stack.use_as_library_client and _describes_run_config(configuration):
        yield (
            "llama_stack.config, inference.providers and vector_store.providers have no effect "
            "while llama_stack.use_as_library_client is false: the server has its own run.yaml"
        )
    yield from describe_access(
        configuration.service,
        configuration.authentication,
        configuration.authorization,
        roles_are_asked=bool(configuration.rag.access),
    )
    yield from describe_cluster(configuration.authentication)
    yield from describe_stores(configuration)
    yield from describe_mcp(
        configuration.mcp_servers, configuration.mcp, configuration.authentication.module
    )
    server = configuration.database.postgres
    if server is not None and server.gss_encmode is GSSEncMode.REQUIRE:
        yield (
            "database.postgres.gss_encmode require is not served by this version: connections are "
            f"never encrypted by GSSAPI, and by TLS as ssl_mode {server.ssl_mode} says"
        )


def _describe_quotas(configuration: Configuration) -> Iterator[str]:
    section = configuration.quota_handlers
    for limiter in section.limiters:
        if limiter.initial_quota == 0:
            yield (
                f"quota_handlers.limiters: '{limiter.name}' grants nothing before its first period "
                f"({limiter.period}) is over, for its initial_quota is 0"
            )
    if section.limiters and section.backend is None and configuration.database.backend is None:
        yield (
            "quota_handlers.limiters: what is spent is counted in memory, by each worker for "
            "itself, and forgotten at a restart; name a database in quota_handlers or database"
        )
    if not section.limiters and section != QuotaHandlersConfiguration():
        yield "quota_handlers has no effect without limiters"
    if configuration.rlsapi_v1.quota_subject and not section.limiters:
        yield "rlsapi_v1.quota_subject has no effect without quota_handlers.limiters"


def _describe_prompts(customization: CustomizationConfiguration | None) -> Iterator[str]:
    if customization is None:
        return
    profile = customization.custom_profile or CustomProfile(path="")
    prompts = {
        "customization.system_prompt": customization.system_prompt,
        f"system_prompts.{DEFAULT_PROMPT} of the profile": profile.prompts.get(DEFAULT_PROMPT),
        f"system_prompts.{TOPIC_PROMPT} of the profile": profile.prompts.get(TOPIC_PROMPT),
    }
    for where, prompt in prompts.items():
        if prompt and has_marks_in_vain(prompt, profile.variables):
            yield f"{where} is sent as it stands: between its braces it names no variable"


def _describe_folders(configuration: Configuration) -> Iterator[str]:
    for number, folder in enumerate(configuration.knowledge.folders):
        if not Path(folder.path).is_dir():
            yield (
                f"knowledge.folders[{number}].path: there is no folder {folder.path}; what was "
                "indexed of it stays as it is"
            )


def _describes_run_config(configuration: Configuration) -> bool:
    return bool(
        configuration.llama_stack.config
        or configuration.inference.providers
        or configuration.vector_store.providers
    )
