"""What a valid configuration still lacks: texts of the files it names, places to write to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lightspeed_core.config.conversations import ConversationCacheConfiguration
from lightspeed_core.config.conversations import ConversationCacheType as CacheType
from lightspeed_core.config.customization import CustomizationConfiguration, CustomProfile
from lightspeed_core.config.data_directory import data_directory
from lightspeed_core.config.database import DatabaseConfiguration, SQLiteDatabaseConfiguration
from lightspeed_core.config.files import check_run_configuration, check_storage, read_text
from lightspeed_core.config.observability import ObservabilityConfiguration
from lightspeed_core.config.place import BrokenPrompt, Place, Problem, ProblemsFound
from lightspeed_core.config.profile import read_profile
from lightspeed_core.config.prompt_template import compile_prompt
from lightspeed_core.config.root import Configuration

_DATABASE_FILE = "lightspeed-stack.db"


def complete(configuration: Configuration, environ: Mapping[str, str]) -> Configuration:
    """Check the named paths, read the named files and fill in what the environment decides.

    Raises:
        ProblemsFound: A path does not serve.
    """
    if problems := _check_paths(configuration):
        raise ProblemsFound(problems)
    directory = data_directory(environ)
    updates: dict[str, Any] = {
        "data_directory": directory,
        "database": _choose_database(configuration, directory),
        "observability": _gather_tracing(configuration, environ),
    }
    if configuration.customization is not None:
        updates["customization"] = _read_customization(configuration.customization)
    return configuration.model_copy(update=updates)


def _check_paths(configuration: Configuration) -> list[Problem]:
    problems: list[Problem] = []
    stack = configuration.llama_stack
    if stack.use_as_library_client and stack.library_client_config_path is not None:
        place: Place = ("llama_stack", "library_client_config_path")
        problems += check_run_configuration(stack.library_client_config_path, place)
    if stack.config is not None and stack.config.profile is not None:
        place = ("llama_stack", "config", "profile")
        problems += check_run_configuration(stack.config.profile, place)
    collection = configuration.user_data_collection
    if collection.feedback_enabled and collection.feedback_storage is not None:
        place = ("user_data_collection", "feedback_storage")
        problems += check_storage(collection.feedback_storage, "feedback", place)
    if collection.transcripts_enabled and collection.transcripts_storage is not None:
        place = ("user_data_collection", "transcripts_storage")
        problems += check_storage(collection.transcripts_storage, "transcripts", place)
    return problems


def _choose_database(configuration: Configuration, directory: Path) -> DatabaseConfiguration:
    if configuration.database.backend is not None:
        return configuration.database
    cache: ConversationCacheConfiguration = configuration.conversation_cache
    if cache.type is CacheType.MEMORY:
        return configuration.database
    if cache.type in {CacheType.SQLITE, CacheType.POSTGRES}:
        return DatabaseConfiguration(
            sqlite=cache.sqlite if cache.type is CacheType.SQLITE else None,
            postgres=cache.postgres if cache.type is CacheType.POSTGRES else None,
        )
    path = directory / _DATABASE_FILE
    return DatabaseConfiguration(sqlite=SQLiteDatabaseConfiguration(db_path=str(path)))


def _gather_tracing(
    configuration: Configuration, environ: Mapping[str, str]
) -> ObservabilityConfiguration:
    variables = {name: value for name, value in environ.items() if name.startswith("OTEL_")}
    return ObservabilityConfiguration(otel={**configuration.observability.otel, **variables})


def _read_customization(section: CustomizationConfiguration) -> CustomizationConfiguration:
    updates: dict[str, Any] = {}
    if section.profile_path is not None:
        place: Place = ("customization", "profile_path")
        updates["custom_profile"] = read_profile(section.profile_path, place)
    if section.profile_path is None and section.system_prompt_path is not None:
        updates["system_prompt"] = _read_prompt(section.system_prompt_path)
    elif section.system_prompt is not None:
        place = ("customization", "system_prompt")
        _check_prompt(section.system_prompt, updates.get("custom_profile"), "line ", place)
    if section.agent_card_path is not None:
        updates["agent_card_config"] = _read_agent_card(section.agent_card_path)
    return section.model_copy(update=updates)


def _read_prompt(path: Path) -> str:
    place: Place = ("customization", "system_prompt_path")
    prompt = read_text(path, place).rstrip()
    _check_prompt(prompt, None, f"{path}, line ", place)
    return prompt


def _check_prompt(prompt: str, profile: CustomProfile | None, where: str, place: Place) -> None:
    try:
        compile_prompt(prompt, profile.variables if profile else None)
    except BrokenPrompt as broken:
        raise ProblemsFound([Problem(f"{where}{broken.line}: {broken.text}", place)]) from broken


def _read_agent_card(path: Path) -> Any:
    place: Place = ("customization", "agent_card_path")
    try:
        return yaml.safe_load(read_text(path, place))
    except yaml.YAMLError as error:
        text = f"Invalid YAML in agent card file '{path}': {error}"
        raise ProblemsFound([Problem(text, place)]) from error
