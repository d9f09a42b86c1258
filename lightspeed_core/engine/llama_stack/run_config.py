"""Reads a run.yaml and refuses what Llama Stack would swallow; imports no Llama Stack.

Llama Stack ignores unknown keys, so a file of its 0.2 line parses and boots without its models
and shields. Here every such key is an error that says where the value belongs today.
"""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

import yaml

from lightspeed_core.engine.llama_stack import legacy
from lightspeed_core.errors import ConfigurationError

TOP_LEVEL_KEYS = frozenset(
    {
        "version", "distro_name", "image_name", "container_image", "apis", "providers", "storage",
        "registered_resources", "logging", "server", "external_providers_dir",
        "external_apis_dir", "vector_stores", "safety", "connectors",
    }
)  # fmt: skip
API_NAMES = frozenset(
    {
        "providers", "inference", "safety", "responses", "batches", "vector_io", "datasetio",
        "scoring", "eval", "tool_runtime", "models", "shields", "vector_stores", "datasets",
        "scoring_functions", "benchmarks", "tool_groups", "files", "file_processors", "prompts",
        "conversations", "connectors", "inspect", "admin",
    }
)  # fmt: skip
RESOURCE_KEYS = frozenset(
    {"models", "shields", "vector_stores", "datasets", "scoring_fns", "benchmarks", "tool_groups"}
)
PROVIDER_KEYS = frozenset({"provider_id", "provider_type", "config", "module"})
STORAGE_KEYS = frozenset({"backends", "stores"})

DISABLED = "__disabled__"
"""A provider whose id is this is switched off, like one whose id is empty."""

_SUBSTITUTION = re.compile(r"\$\{env\.([A-Z0-9_]+)(?::([=+])([^}]*))?\}")

type Json = Mapping[str, Any]
type Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RunConfig:
    """A run.yaml that passed the checks, as written: substitutions are not yet made."""

    path: Path
    content: Json

    def entries(self) -> Iterator[tuple[str, Json]]:
        """Give the provider entries with their API, in the order of the file."""
        for api, entries in self.content["providers"].items():
            for entry in entries or ():
                yield api, entry

    def enabled(self, environ: Mapping[str, str] = os.environ) -> Iterator[tuple[str, Json]]:
        """Give the entries that the environment switches on, with their API."""
        for api, entry in self.entries():
            if expand(str(entry["provider_id"] or ""), environ) not in {"", DISABLED}:
                yield api, entry

    def provider_ids(self, environ: Mapping[str, str] = os.environ) -> list[str]:
        """Give the ids of the providers that the environment switches on, in their order."""
        return [expand(str(entry["provider_id"]), environ) for _, entry in self.enabled(environ)]

    def modules(self) -> list[str]:
        """Name the packages of external providers, each once."""
        named = (str(entry["module"]) for _, entry in self.entries() if entry.get("module"))
        return list(dict.fromkeys(module.split("==")[0] for module in named))

    def idle_variables(self, environ: Mapping[str, str] = os.environ) -> Iterator[tuple[str, str]]:
        """Find variables that are set for a provider which another variable leaves off.

        Gives the provider's id as written and the variable.
        """
        for _, entry in self.entries():
            provider_id = str(entry["provider_id"] or "")
            if not expand(provider_id, environ):
                for match in _SUBSTITUTION.finditer(str(entry.get("config") or "")):
                    if environ.get(match.group(1)):
                        yield provider_id, match.group(1)


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Make the substitutions of Llama Stack in a text; an unset variable gives an empty one."""

    def replaced(match: re.Match[str]) -> str:
        name, operator, other = match.groups()
        value = environ.get(name) or ""
        if operator == "=":
            return value or other
        return (other if value else "") if operator == "+" else value

    return _SUBSTITUTION.sub(replaced, text)


def read_run_config(path: Path) -> RunConfig:
    """Read and check a run.yaml. Raises `ConfigurationError` that lists every problem."""
    return check_run_config(path, parse_run_config(path))


def check_run_config(path: Path, content: Json) -> RunConfig:
    """Check what a run.yaml holds. Raises `ConfigurationError` that lists every problem."""
    if problems := find_problems(content):
        refuse(path, problems, is_legacy=bool(legacy.TOP_LEVEL & content.keys()))
    return RunConfig(path=path, content=content)


def refuse(path: Path, problems: Iterable[Problem], *, is_legacy: bool = False) -> NoReturn:
    """Raise `ConfigurationError` that lists the problems of a file."""
    lines = "".join(f"\n  {key}: {text}" for key, text in problems)
    advice = f" (`lightspeed-stack migrate {path}` writes it anew)" if is_legacy else ""
    raise ConfigurationError(f"{path} is not a run.yaml for Llama Stack 0.7{advice}:{lines}")


def find_problems(content: Json) -> list[Problem]:
    """Return what keeps a mapping from being a run.yaml, as keys and what would be right."""
    return list(_problems(content))


def parse_run_config(path: Path) -> Json:
    """Read a file without checking it. Raises `ConfigurationError` when it holds no mapping."""
    if not path.is_file():
        raise ConfigurationError(f"Llama Stack configuration file '{path}' is not a file")
    if path.suffix != ".yaml":
        raise ConfigurationError(
            f"Llama Stack configuration file '{path}': the name must end in .yaml, or Llama Stack "
            "takes it for the name of a distribution"
        )
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigurationError(
            f"Llama Stack configuration file '{path}' is not readable: {exc.strerror}"
        ) from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{path}: byte {exc.start} is not UTF-8") from exc
    except yaml.YAMLError as exc:
        raise ConfigurationError(f"{path}: {_syntax_error(exc)}") from exc
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path}: must hold a mapping with the keys version, distro_name, apis, providers "
            f"and storage, but holds {_kind(content)}"
        )
    return cast("Json", content)


def _syntax_error(exc: yaml.YAMLError) -> str:
    if isinstance(exc, yaml.MarkedYAMLError) and exc.problem_mark is not None:
        mark, began = exc.problem_mark, exc.context_mark
        since = f" (in what began in line {began.line + 1})" if began is not None else ""
        return f"line {mark.line + 1}, column {mark.column + 1}: {exc.problem}{since}"
    return f"not YAML: {exc}"


def _problems(content: Json) -> Iterator[Problem]:
    yield from _top_level(content)
    yield from _apis(content.get("apis"))
    yield from _providers(content.get("providers"))
    yield from _storage(content.get("storage"), is_legacy=bool(legacy.TOP_LEVEL & content.keys()))
    yield from _resources(content.get("registered_resources"))


def _top_level(content: Json) -> Iterator[Problem]:
    is_legacy = bool(legacy.TOP_LEVEL & content.keys())
    for key in content:
        if key in legacy.TOP_LEVEL_PLACES:
            yield key, legacy.TOP_LEVEL_PLACES[key]
        elif key == "image_name" and is_legacy:
            yield key, legacy.IMAGE_NAME
        elif key not in TOP_LEVEL_KEYS:
            yield key, _unknown(key, TOP_LEVEL_KEYS)
    if "version" in content and str(content["version"]) != "2":
        yield "version", f"{content['version']!r}; must be 2"
    if not content.get("distro_name") and not content.get("image_name"):
        yield "distro_name", "missing; any name will do"


def _apis(apis: object) -> Iterator[Problem]:
    if apis is None:
        yield "apis", "missing; a list such as [inference, vector_io, safety]"
    elif not isinstance(apis, list):
        yield "apis", f"must be a list such as [inference, vector_io], but is {_kind(apis)}"
    else:
        for index, name in enumerate(cast("list[object]", apis)):
            yield from _api(f"apis[{index}]", str(name))


def _api(key: str, name: str) -> Iterator[Problem]:
    if name in legacy.APIS:
        yield key, f"'{name}': {legacy.APIS[name]}"
    elif name not in API_NAMES:
        yield key, f"'{name}': {_unknown(name, API_NAMES)}"


def _providers(providers: object) -> Iterator[Problem]:
    if not isinstance(providers, dict):
        yield "providers", f"must map each API to a list of providers, but is {_kind(providers)}"
        return
    for api, entries in cast("dict[str, object]", providers).items():
        key = f"providers.{api}"
        yield from _api(key, api)
        if entries is not None and not isinstance(entries, list):
            yield key, f"must be a list of providers, but is {_kind(entries)}"
        elif entries is not None and api not in legacy.APIS:
            yield from _provider_list(key, cast("list[object]", entries))


def _provider_list(key: str, entries: list[object]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        place = f"{key}[{index}]"
        if not isinstance(entry, dict):
            yield place, f"must be a mapping with provider_type, but is {_kind(entry)}"
            continue
        provider = cast("Json", entry)
        yield from _provider(place, provider)
        provider_id = str(provider.get("provider_id"))
        if provider_id in seen and "${" not in provider_id:
            yield f"{place}.provider_id", f"'{provider_id}' stands twice; the first would be lost"
        seen.add(provider_id)


def _provider(place: str, entry: Json) -> Iterator[Problem]:
    for key in entry:
        if key not in PROVIDER_KEYS:
            yield f"{place}.{key}", _unknown(key, PROVIDER_KEYS)
    for key in ("provider_id", "provider_type"):
        if key not in entry:
            yield f"{place}.{key}", "missing"
    config = entry.get("config") or {}
    if not isinstance(config, dict):
        yield f"{place}.config", f"must be a mapping, but is {_kind(config)}"
        return
    for key, text in legacy.provider_problems(str(entry.get("provider_type")), config):
        yield f"{place}.{key}", text


def _storage(storage: object, *, is_legacy: bool) -> Iterator[Problem]:
    if storage is None:
        yield "storage", legacy.STORAGE_OF_LEGACY if is_legacy else legacy.STORAGE_MISSING
    elif not isinstance(storage, dict):
        yield "storage", f"must be a mapping, but is {_kind(storage)}"
    else:
        for key in cast("dict[str, object]", storage):
            if key not in STORAGE_KEYS:
                yield f"storage.{key}", _unknown(key, STORAGE_KEYS)
        if "backends" not in storage:
            yield "storage.backends", legacy.STORAGE_MISSING


def _resources(resources: object) -> Iterator[Problem]:
    if resources is None:
        return
    if not isinstance(resources, dict):
        yield "registered_resources", f"must be a mapping, but is {_kind(resources)}"
        return
    for key in cast("dict[str, object]", resources):
        place = f"registered_resources.{key}"
        if key == "tool_groups":
            yield place, legacy.TOOL_GROUPS
        elif key == "vector_dbs":
            yield place, legacy.VECTOR_STORES
        elif key not in RESOURCE_KEYS:
            yield place, _unknown(key, RESOURCE_KEYS)


def _unknown(key: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(str(key), known, n=1)
    if near:
        return f"unknown key; did you mean '{near[0]}'?"
    return f"unknown key; known are {', '.join(sorted(known))}"


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return f"'{value}'"
