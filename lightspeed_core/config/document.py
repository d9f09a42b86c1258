"""YAML text to a tree of plain values, with the line of each key. It opens no file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lightspeed_core.config.place import Place, Problem, ProblemsFound, dotted, is_mapping

_MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Document:
    """The top-level mapping of a file, and the line of each place in it."""

    tree: dict[str, Any]
    lines: dict[Place, int]


def parse_document(text: str) -> Document:
    """Read one YAML document.

    Raises:
        ProblemsFound: Bad syntax, no mapping at the top, a key twice, an endless structure.
    """
    try:
        loader: Any = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise ProblemsFound([Problem("the file is empty; name and service are required")])
        lines = _number_lines(node)
        tree: object = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise ProblemsFound([_describe(error)]) from error
    except yaml.YAMLError as error:
        raise ProblemsFound([Problem(f"not a YAML text: {error}")]) from error
    except RecursionError as error:
        raise ProblemsFound([Problem("nested too deeply")]) from error
    except ValueError as error:  # a date or number that only looks like one
        raise ProblemsFound([Problem(f"a value cannot be read: {error}")]) from error
    if not is_mapping(tree):
        raise ProblemsFound(
            [Problem(f"must hold a mapping of keys at the top, not a {type(tree).__name__}")]
        )
    return Document(tree, lines)


def _describe(error: yaml.MarkedYAMLError) -> Problem:
    said = [part for part in (error.problem, error.context) if part]
    mark = error.problem_mark or error.context_mark
    return Problem(
        f"not valid YAML: {' '.join(said)}",
        line=mark.line + 1 if mark else None,
        column=mark.column + 1 if mark else None,
    )


def _number_lines(root: yaml.Node) -> dict[Place, int]:
    lines: dict[Place, int] = {}
    twice: list[Problem] = []
    for place, key in _walk(root, (), ()):
        line = key.start_mark.line + 1
        if place in lines and isinstance(place[-1], str):
            twice.append(
                Problem(f"this key stands twice, first in line {lines[place]}", place, line=line)
            )
        lines.setdefault(place, line)
    if twice:
        raise ProblemsFound(twice)
    return lines


def _walk(
    node: yaml.Node, place: Place, above: tuple[yaml.Node, ...]
) -> Iterator[tuple[Place, yaml.Node]]:
    if node in above:
        line = node.start_mark.line + 1
        raise ProblemsFound([Problem(f"{dotted(place)} contains itself", place, line=line)])
    within = (*above, node)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag == _MERGE_TAG or not isinstance(key, yaml.ScalarNode):
                continue
            yield (*place, key.value), key
            yield from _walk(value, (*place, key.value), within)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*place, index), item
            yield from _walk(item, (*place, index), within)
