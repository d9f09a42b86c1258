"""From a file and the environment to a frozen configuration.

This module, with `files` and `completion` as its hands, is the only reader of either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lightspeed_core.config.completion import complete
from lightspeed_core.config.document import Document, parse_document
from lightspeed_core.config.files import read_text
from lightspeed_core.config.place import Place, Problem, ProblemsFound, is_list, is_mapping
from lightspeed_core.config.problems import describe_errors, locate, render_problems, show_value
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.shipped import SHIPPED_SCHEME, shipped_configuration, shipped_file
from lightspeed_core.config.substitution import Substitution, substitute
from lightspeed_core.constants import DEFAULT_CONFIGURATION_FILE
from lightspeed_core.errors import ConfigurationError

# Parts of a configuration that are worked out and never written.
_DERIVED: tuple[Place, ...] = (("data_directory",), ("customization", "custom_profile"))


def find_configuration_file(path: Path | None) -> Path:
    """Return the named file, else the one in the working directory, else the shipped one."""
    if path is not None:
        return path
    default = Path(DEFAULT_CONFIGURATION_FILE)
    return default if default.exists() else shipped_configuration()


def load_configuration(path: Path | None, environ: Mapping[str, str]) -> Configuration:
    """Read, check and complete the configuration.

    Raises:
        ConfigurationError: It cannot be used; the text has a line for each problem with file,
            line, key, value and what would be right.
    """
    file = find_configuration_file(path)
    document = read_document(file)
    substitution = substitute(document.tree, environ)
    try:
        return complete(_validate(document, substitution), environ)
    except ProblemsFound as found:
        problems = [_located(problem, document, substitution) for problem in found.problems]
        raise ConfigurationError(render_problems(file, problems)) from found


def read_document(file: Path) -> Document:
    """Read a file as it is written: neither checked nor with its expressions replaced.

    Raises:
        ConfigurationError: It cannot be read, or is no mapping in YAML.
    """
    try:
        return parse_document(read_text(file))
    except ProblemsFound as found:
        raise ConfigurationError(render_problems(file, found.problems)) from found


def _validate(document: Document, substitution: Substitution) -> Configuration:
    problems = [
        Problem("cannot be set; it is worked out", place)
        for place in _DERIVED
        if place in document.lines
    ]
    problems += substitution.problems
    problems += _resolve_shipped(substitution.tree, ())
    if problems:
        raise ProblemsFound(problems)
    try:
        return Configuration.model_validate(substitution.tree)
    except ValidationError as error:
        if not _restore_texts(error, substitution):
            raise _found(error, substitution) from error
    try:
        return Configuration.model_validate(substitution.tree)
    except ValidationError as error:
        raise _found(error, substitution) from error


def _found(error: ValidationError, substitution: Substitution) -> ProblemsFound:
    return ProblemsFound(describe_errors(error, substitution.tree, Configuration))


def _restore_texts(error: ValidationError, substitution: Substitution) -> bool:
    """Give fields that want a text what stood in the environment, such as a key `0123`."""
    restored = False
    for details in error.errors(include_url=False):
        place = locate(details, substitution.tree)
        if details["type"] == "string_type" and place in substitution.texts:
            parent = substitution.tree
            for part in place[:-1]:
                parent = parent[part]
            parent[place[-1]] = substitution.texts[place]
            restored = True
    return restored


def _resolve_shipped(tree: Any, place: Place) -> list[Problem]:
    """Turn `shipped:NAME` under keys that end in `_path` into paths, in place."""
    problems: list[Problem] = []
    for part, value in _parts(tree):
        if is_mapping(value) or is_list(value):
            problems += _resolve_shipped(value, (*place, part))
        elif (
            isinstance(value, str)
            and str(part).endswith("_path")
            and value.startswith(SHIPPED_SCHEME)
        ):
            try:
                tree[part] = str(shipped_file(value.removeprefix(SHIPPED_SCHEME)))
            except FileNotFoundError as error:
                problems.append(Problem(str(error), (*place, part)))
    return problems


def _parts(tree: Any) -> Iterator[tuple[str | int, Any]]:
    yield from tree.items() if is_mapping(tree) else enumerate(list[Any](tree))


def _located(problem: Problem, document: Document, substitution: Substitution) -> Problem:
    """Add the value and the line of the key, or of the nearest key around a missing one."""
    place = substitution.original(problem.place)
    value = show_value(problem.place, substitution.tree)
    around = place
    while around and around not in document.lines:
        around = around[:-1]
    return replace(problem, place=place, value=value, line=document.lines.get(around))
