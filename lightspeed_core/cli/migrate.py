"""Files of another age written anew: a run.yaml for 0.7, or two files as one."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lightspeed_core.cli.arguments import PARTLY
from lightspeed_core.cli.new_file import write_new_file
from lightspeed_core.config.load import find_configuration_file, read_document
from lightspeed_core.config.unify import unify
from lightspeed_core.engine.llama_stack.migration.ledger import Ledger, Remark
from lightspeed_core.engine.llama_stack.migration.migrate import migrate_file


def migrate(run_yaml: Path, output: Path | None, *, force: bool) -> int:
    """Write the new file and tell what it lacks; 3 stands for a file that lacks something.

    Raises `ConfigurationError` for a file that cannot be carried over at all.
    """
    content, ledger = migrate_file(run_yaml)
    text = f"# Written for Llama Stack 0.7 from {run_yaml.name}.\n{render(content)}"
    if output is None:
        sys.stdout.write(text)
    elif code := write_new_file(output, text, [run_yaml], force=force):
        return code
    for line in report(run_yaml, ledger):
        print(line, file=sys.stderr)
    return PARTLY if ledger.left else 0


def migrate_configuration(file: Path | None, run_yaml: Path, output: Path) -> int:
    """Write a configuration and its run.yaml into one file; 3 stands for one that lacks something.

    Raises `ConfigurationError` for files that cannot be read or do not belong together.
    """
    configuration = find_configuration_file(file)
    content, ledger = migrate_file(run_yaml)
    unified = unify(read_document(configuration).tree, content)
    text = f"# Written from {configuration.name} and {run_yaml.name}.\n{render(unified)}"
    if code := write_new_file(output, text, [configuration, run_yaml], force=False):
        return code
    print(f"{configuration}: its comments are not carried over", file=sys.stderr)
    for line in report(run_yaml, ledger):
        print(line, file=sys.stderr)
    return PARTLY if ledger.left else 0


def render(content: Mapping[str, Any]) -> str:
    """Write a tree as YAML, its keys in their order."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=100)


def report(run_yaml: Path, ledger: Ledger) -> Iterator[str]:
    """Say what became of a file, a line a remark."""
    yield f"{run_yaml}: its comments are not carried over"
    yield from _listed("what is otherwise now", ledger.changed)
    yield from _listed("what was not carried over", ledger.left)


def _listed(title: str, remarks: Sequence[Remark]) -> Iterator[str]:
    if remarks:
        yield f"{title}:"
        yield from (f"  {remark.place}: {remark.text}" for remark in remarks)
