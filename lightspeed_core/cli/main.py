"""What the process was asked to do, and its exit code.

What is imported inside a function would cost `--help` and `-d` seconds.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lightspeed_core.cli.arguments import FAILED, MISUSED, PROGRAM, build_parser
from lightspeed_core.errors import ConfigurationError, LightspeedError

if TYPE_CHECKING:
    from lightspeed_core.config.root import Configuration

_DUMP_FILE = Path("configuration.json")
_SCHEMA_FILE = Path("schema.json")
_RUN_CONFIG_VARIABLE = "LIGHTSPEED_STACK_SYNTHESIZED_CONFIG_PATH"


def run(arguments: Sequence[str]) -> int:
    """Run one command line; 2 stands for a configuration that cannot be used."""
    options = build_parser().parse_args(arguments)
    try:
        if options.command is not None:
            return _run_subcommand(options)
        if options.migrate_config:
            return _migrate_configuration(options)
        if options.dump_schema:
            return _dump_schema()
        if options.dump_configuration:
            return _dump_configuration(_load(options.config))
        return _serve(options)
    except ConfigurationError as error:
        return _complain(str(error), MISUSED)


def _run_subcommand(options: argparse.Namespace) -> int:
    subcommands = {
        "docs": _write_document,
        "doctor": _diagnose,
        "audit": _verify_audit,
        "eval": _evaluate,
        "import": _import_store,
        "ingest": _ingest,
        "reindex": _reindex,
        "migrate": _migrate_run_yaml,
    }
    return subcommands[options.command](options)


def _migrate_run_yaml(options: argparse.Namespace) -> int:
    from lightspeed_core.cli.migrate import migrate

    return migrate(options.run_yaml, options.output, force=options.force)


def _load(file: Path | None) -> "Configuration":
    from lightspeed_core.config.load import load_configuration

    return load_configuration(file, os.environ)


def _serve(options: argparse.Namespace) -> int:
    from lightspeed_core.config.load import find_configuration_file

    configuration = _load(options.config)
    if options.synthesized_config_output is not None:
        # By the environment, for that is how worker processes learn it too.
        os.environ[_RUN_CONFIG_VARIABLE] = str(options.synthesized_config_output.absolute())
    from lightspeed_core.cli.serve import serve
    from lightspeed_core.observability.logging import level_of

    return serve(
        configuration,
        file=find_configuration_file(options.config),
        level="DEBUG" if options.verbose else level_of(os.environ),
        environ=os.environ,
    )


def _diagnose(options: argparse.Namespace) -> int:
    configuration = _load(options.config)
    from lightspeed_core.cli.doctor.command import diagnose

    return diagnose(configuration, os.environ, as_json=options.json)


def _ingest(options: argparse.Namespace) -> int:
    is_about_jobs = options.status or options.cancel is not None
    if is_about_jobs == bool(options.paths) or bool(options.paths) != (options.store is not None):
        return _complain("ingest takes PATH... --store NAME, or --status, or --cancel JOB", MISUSED)
    configuration = _load(options.config)
    from lightspeed_core.observability.logging import configure_logging

    configure_logging("DEBUG" if options.verbose else "ERROR")
    if is_about_jobs:
        from lightspeed_core.cli.jobs import tell_of_jobs

        return tell_of_jobs(configuration, cancelled=options.cancel, as_json=options.json)
    from lightspeed_core.cli.ingest import ingest

    return ingest(configuration, options.paths, options.store, as_json=options.json)


def _reindex(options: argparse.Namespace) -> int:
    configuration = _load(options.config)
    from lightspeed_core.cli.ingest import reindex
    from lightspeed_core.observability.logging import configure_logging

    configure_logging("DEBUG" if options.verbose else "ERROR")
    return reindex(configuration, options.store, options.embedding_model, as_json=options.json)


def _import_store(options: argparse.Namespace) -> int:
    configuration = _load(options.config)
    from lightspeed_core.observability.logging import configure_logging

    configure_logging("DEBUG" if options.verbose else "ERROR")
    from lightspeed_core.cli.import_store import Wish, import_store

    wish = Wish(
        path=options.file,
        store=options.store,
        foreign=options.foreign,
        reembed=options.reembed,
    )
    return import_store(configuration, wish, as_json=options.json)


def _verify_audit(options: argparse.Namespace) -> int:
    from lightspeed_core.app.audit import seal_of
    from lightspeed_core.cli.audit import verify

    where, key_path = options.path, options.key
    if where is None:
        section = _load(options.config).audit
        where, key_path = section.directory, key_path or section.key_path
    if where is None:
        return _complain("audit.directory is not set: name a directory or a file", MISUSED)
    return verify(where, seal_of(key_path), as_json=options.json)


def _evaluate(options: argparse.Namespace) -> int:
    configuration = _load(options.config)
    from lightspeed_core.cli.evaluate import evaluate
    from lightspeed_core.observability.logging import configure_logging

    # The engine tells much of its start, and what was asked for goes to standard output.
    configure_logging("DEBUG" if options.verbose else "WARNING", is_colored=False)
    try:
        return evaluate(
            configuration,
            options.questions,
            store=options.store,
            mode=options.mode,
            with_answers=options.answers,
            as_json=options.json,
        )
    except ConfigurationError:
        raise
    except LightspeedError as error:
        return _complain(str(error), FAILED)


def _dump_configuration(configuration: "Configuration") -> int:
    from lightspeed_core.config.redact import dump_configuration

    text = json.dumps(dump_configuration(configuration), indent=4, ensure_ascii=False)
    return _write(_DUMP_FILE, f"{text}\n")


def _dump_schema() -> int:
    from lightspeed_core.config.json_schema import render_schema

    return _write(_SCHEMA_FILE, render_schema())


def _migrate_configuration(options: argparse.Namespace) -> int:
    if options.run_yaml is None or options.migrate_output is None:
        return _complain("--migrate-config needs --run-yaml PATH and --migrate-output PATH", FAILED)
    from lightspeed_core.cli.migrate import migrate_configuration

    return migrate_configuration(options.config, options.run_yaml, options.migrate_output)


def _write_document(options: argparse.Namespace) -> int:
    from lightspeed_core.cli.docs import render_document

    text = render_document(options.document, options.output)
    if options.output is None:
        sys.stdout.write(text)
        return 0
    return _write(options.output, text)


def _write(file: Path, text: str) -> int:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        return _complain(f"{file} cannot be written: {error.strerror}", FAILED)
    return 0


def _complain(text: str, code: int) -> int:
    print(f"{PROGRAM}: {text}", file=sys.stderr)
    return code
