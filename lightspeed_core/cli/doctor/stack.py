"""Checks the Llama Stack that would run inside the process: package, run.yaml, providers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.engine.llama_stack.loading import describe_run_config, find_unloadable
from lightspeed_core.engine.llama_stack.run_config import RunConfig
from lightspeed_core.engine.llama_stack.settings import EngineSettings, Reliance, Resource
from lightspeed_core.engine.llama_stack.version import check_version, installed_version
from lightspeed_core.errors import ConfigurationError

_RUN_CONFIG: Final = "llama_stack.library_client_config_path"
_DEFAULT: Final = "inference.default_provider"
_BUILT: Final = "llama_stack.config"


def check_package() -> Finding:
    """Check the version of the installed package."""
    try:
        version = installed_version()
        check_version(version)
    except ConfigurationError as error:
        return fatal(error.cause, where="llama-stack", remedy="install a supported version")
    return fine(f"Llama Stack {version} is installed", where="llama-stack")


def examine_run_config(
    settings: EngineSettings, environ: Mapping[str, str]
) -> tuple[RunConfig | None, list[Finding]]:
    """Read or build the run configuration; every key of it that does not serve is a finding."""
    place = _BUILT if settings.sections is not None else _RUN_CONFIG
    try:
        run_config = describe_run_config(settings, environ)
    except ConfigurationError as error:
        head, *problems = error.cause.split("\n  ")
        subject = settings.run_config or "the built run configuration"
        told = [f"{subject}: {text}" for text in problems] or [head]
        remedy = "write what the message names as Llama Stack 0.7 wants it"
        return None, [fatal(text, where=place, remedy=remedy) for text in told]
    return run_config, [fine(f"{run_config.path} is written for Llama Stack 0.7", where=place)]


def check_providers(run_config: RunConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Load each provider that is on, and check its settings, without starting it."""
    reasons = find_unloadable(run_config, environ)
    for provider_id, reason in reasons.items():
        place = f"{run_config.path}: {provider_id}"
        if reason is None:
            yield fine(f"provider {provider_id} can be loaded", where=place)
        else:
            remedy = "install the package, or correct type, module or settings of the provider"
            yield fatal(reason, where=place, remedy=remedy)


def check_stores(run_config: RunConfig, relies_on: Iterable[Reliance]) -> Iterator[Finding]:
    """Check that run.yaml registers the vector stores that the configuration names."""
    resources: Mapping[str, Any] = run_config.content.get("registered_resources") or {}
    registered = [store["vector_store_id"] for store in resources.get("vector_stores") or ()]
    for reliance in relies_on:
        if reliance.resource is not Resource.VECTOR_STORE:
            continue
        if reliance.name in registered:
            yield fine(f"vector store {reliance.name} is registered", where=reliance.place)
        else:
            yield warning(
                f"vector store {reliance.name} is not registered in {run_config.path}; registered "
                f"are {', '.join(registered) or 'none'}",
                where=reliance.place,
                remedy="register it: the start ends unless an earlier one has registered it",
            )


def check_default_model(
    run_config: RunConfig, environ: Mapping[str, str], default: str | None
) -> Iterator[Finding]:
    """Check that the provider of the default model is on."""
    provider = (default or "").partition("/")[0]
    enabled = run_config.provider_ids(environ)
    if provider in enabled:
        yield fine(f"the provider of the default model {default} is on", where=_DEFAULT)
    elif provider:
        yield fatal(
            f"the default model {default} has a provider that is not on; on are "
            f"{', '.join(enabled)}",
            where=_DEFAULT,
            remedy=f"set the variable that switches {provider} on in {run_config.path}, or name "
            "another provider",
        )
