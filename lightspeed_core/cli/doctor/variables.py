"""Checks the environment variables that run.yaml and the service read. Never shows a value."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.config.place import is_list, is_mapping
from lightspeed_core.engine.llama_stack.run_config import RunConfig

DATA_DIRECTORY_VARIABLE: Final = "LIGHTSPEED_DATA_DIR"
LEVEL_VARIABLE: Final = "LIGHTSPEED_STACK_LOG_LEVEL"
_VARIABLE: Final = re.compile(r"\$\{env\.([A-Z0-9_]+)(:[=+])?")


def check_variables(run_config: RunConfig | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Name the variables that are set, missing, idle or oddly written."""
    if run_config is not None:
        yield from _missing(run_config, environ)
        for provider_id, name in run_config.idle_variables(environ):
            yield warning(
                f"{name} is set, and its provider {provider_id} is off",
                where=name,
                remedy=f"set the variable that {provider_id} names, or unset {name}",
            )
        for name in sorted(_named(run_config.content) - {DATA_DIRECTORY_VARIABLE}):
            if environ.get(name):
                yield _judge(name, environ[name])
    level = environ.get(LEVEL_VARIABLE, "")
    if level and level.upper() not in logging.getLevelNamesMapping():
        yield warning(
            f"{LEVEL_VARIABLE} names no level",
            where=LEVEL_VARIABLE,
            remedy="set it to DEBUG, INFO, WARNING or ERROR",
        )


def _missing(run_config: RunConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Find variables without which Llama Stack does not boot."""
    on = {id(entry) for _, entry in run_config.enabled(environ)}
    for place, text in _texts(run_config.content, "", frozenset(on)):
        for name, operator in _VARIABLE.findall(text):
            if not operator and not environ.get(name):
                yield fatal(
                    f"{name} is not set, and run.yaml has no other value for it",
                    where=f"{run_config.path}: {place}",
                    remedy=f"set {name}, or write ${{env.{name}:=value}}",
                )


def _texts(value: Any, place: str, on: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Give all texts with their places, but those of providers that are off."""
    if is_mapping(value):
        if "provider_type" in value and id(value) not in on:
            return
        for key, item in value.items():
            yield from _texts(item, f"{place}.{key}" if place else str(key), on)
    elif is_list(value):
        for index, item in enumerate(value):
            yield from _texts(item, f"{place}[{index}]", on)
    elif isinstance(value, str):
        yield place, value


def _named(content: Any) -> set[str]:
    return {name for name, _ in _VARIABLE.findall(str(content))}


def _judge(name: str, value: str) -> Finding:
    if value != value.strip():
        return warning(
            f"{name} is set, with blanks or a line break around its value",
            where=name,
            remedy="set it without them",
        )
    if value[0] in "'\"" and value[-1] == value[0]:
        return warning(
            f"{name} is set, with quotes as part of its value",
            where=name,
            remedy="set it without the quotes",
        )
    return fine(f"{name} is set", where=name)
