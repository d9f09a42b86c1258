"""The flags and subcommands, and the answers to flags that are no longer acted on."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, override

from lightspeed_core.constants import DEFAULT_CONFIGURATION_FILE

PROGRAM: Final = "lightspeed-stack"
FAILED: Final = 1
MISUSED: Final = 2
PARTLY: Final = 3
SEARCH_MODES: Final = ("hybrid", "vector", "keyword", "all")
DOCUMENTS: Final = ("configuration", "diagram", "events", "openapi", "schema")

_NO_GENERATOR: Final = (
    "Llama Stack's configuration is not generated: name vector stores in run.yaml, "
    "and that file in llama_stack.library_client_config_path"
)
_NO_MODELS: Final = "the models of the API are in its OpenAPI document: use `docs openapi`"
_ANSWERS: Final = {
    ("-m", "--dump-models"): _NO_MODELS,
    ("-gr", "--dump-models-group"): _NO_MODELS,
    ("-g", "--generate-llama-stack-configuration"): _NO_GENERATOR,
    ("-i", "--input-config-file"): _NO_GENERATOR,
    ("-o", "--output-config-file"): _NO_GENERATOR,
}


class _Answer(argparse.Action):
    """Answers a flag with one line and ends with exit code 2."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        parser.exit(MISUSED, f"{PROGRAM}: {option_string}: {self.const}\n")


class _Version(argparse.Action):
    """Prints the version; looks it up only then."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        print(f"{PROGRAM} {version('lightspeed-stack')}")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Serve an AI assistant that answers product questions with checked citations.",
        epilog="Without a subcommand the service is started.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="log everything, at level DEBUG"
    )
    parser.add_argument(
        "-d",
        "--dump-configuration",
        action="store_true",
        help="write the configuration, secrets masked, to configuration.json and exit",
    )
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="CONFIG_FILE",
        help=f"configuration file (default: {DEFAULT_CONFIGURATION_FILE}, else the shipped one)",
    )
    parser.add_argument(
        "-s",
        "--dump-schema",
        action="store_true",
        help="write the schema of configuration files to schema.json and exit",
    )
    parser.add_argument(
        "--synthesized-config-output",
        type=Path,
        metavar="PATH",
        help="where to write the run.yaml that is built from the configuration "
        "(default: .generated/run.yaml)",
    )
    parser.add_argument(
        "--migrate-config",
        action="store_true",
        help="write the configuration and the run.yaml of --run-yaml into the one file of "
        "--migrate-output and exit",
    )
    parser.add_argument("--run-yaml", type=Path, metavar="PATH", help="see --migrate-config")
    parser.add_argument("--migrate-output", type=Path, metavar="PATH", help="see --migrate-config")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    for flags, answer in _ANSWERS.items():
        parser.add_argument(*flags, action=_Answer, nargs="?", const=answer, help=argparse.SUPPRESS)
    _add_subcommands(parser)
    return parser


def _add_subcommands(parser: argparse.ArgumentParser) -> None:
    subcommands = parser.add_subparsers(dest="command", metavar="COMMAND")
    docs = subcommands.add_parser("docs", help="write a generated document")
    docs.add_argument("document", choices=DOCUMENTS)
    docs.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write it (default: standard output)"
    )
    doctor = subcommands.add_parser(
        "doctor", help="check a configuration without starting the service"
    )
    _add_configuration(doctor)
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    _describe_ingest(
        subcommands.add_parser(
            "ingest",
            help="take files and folders into a vector store",
            description="Takes files and folders into a vector store, which is made where there is "
            "none. What is there unchanged costs nothing, so the same command goes on with what "
            "was interrupted. Exit code 1: something was not taken in.",
        )
    )
    _describe_reindex(
        subcommands.add_parser(
            "reindex",
            help="build the index of a vector store anew with another embedding model",
            description="Builds the index of a vector store anew from the texts that it keeps, "
            "beside the one that serves, and lets it take its place when it is whole. The same "
            "command goes on with what was interrupted. Exit code 1: the old index still serves.",
        )
    )
    importing = "take over a vector store that another program wrote"
    _describe_import(subcommands.add_parser("import", help=importing))
    _describe_audit(subcommands.add_parser("audit", help="verify the files of the audit"))
    _describe_eval(subcommands.add_parser("eval", help="measure retrieval and answers"))
    migrate = subcommands.add_parser(
        "migrate",
        help="write a run.yaml of Llama Stack 0.2 anew for 0.7",
        description="Writes a run.yaml of Llama Stack 0.2 anew for 0.7 and lists what has no place "
        "in it. Exit code 3: something was not carried over.",
    )
    migrate.add_argument("run_yaml", type=Path, metavar="RUN.yaml")
    migrate.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write it (default: standard output)"
    )
    migrate.add_argument("--force", action="store_true", help="write over a file that exists")


def _describe_ingest(ingest: argparse.ArgumentParser) -> None:
    ingest.add_argument(
        "paths", type=Path, nargs="*", metavar="PATH", help="a file, or a folder with all below it"
    )
    ingest.add_argument("--store", metavar="NAME", help="id or name of the vector store")
    ingest.add_argument("--status", action="store_true", help="list the jobs, and take in nothing")
    ingest.add_argument("--cancel", metavar="JOB", help="end a job, whoever works on it")
    ingest.add_argument("--json", action="store_true", help="print what became of it as JSON")
    _add_configuration(ingest)


def _describe_reindex(reindex: argparse.ArgumentParser) -> None:
    reindex.add_argument("store", metavar="STORE", help="id or name of the vector store")
    reindex.add_argument(
        "--embedding-model",
        metavar="PROVIDER/MODEL",
        help="the model (default: the one that the store is configured for)",
    )
    reindex.add_argument("--json", action="store_true", help="print what became of it as JSON")
    _add_configuration(reindex)


def _describe_import(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Takes the SQLite file of Llama Stack's faiss provider over into a vector store: chunks "
        "with their vectors and metadata. The file is read by a process of its own, is not "
        "changed, and nothing is fetched. The same command goes on with what was interrupted."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the file; it is left as it is")
    parser.add_argument(
        "--store",
        metavar="NAME",
        required=True,
        help="`rag_id`, id or name of the vector store; it is made where there is none",
    )
    parser.add_argument(
        "--from", dest="foreign", metavar="ID", help="which store of the file, where it has several"
    )
    parser.add_argument(
        "--reembed", action="store_true", help="embed the texts anew by the model of the store"
    )
    parser.add_argument("--json", action="store_true", help="print what became of it as JSON")
    _add_configuration(parser)


def _describe_audit(audit: argparse.ArgumentParser) -> None:
    verify = audit.add_subparsers(
        dest="audit_command", metavar="COMMAND", required=True
    ).add_parser(
        "verify",
        help="name the first record that is not as it was written",
        description="Exit code 0: every record is as it was written. 1: one is not, and the first "
        "is named.",
    )
    verify.add_argument(
        "path",
        type=Path,
        nargs="?",
        metavar="DIR|FILE",
        help="what to verify (default: `audit.directory` of the configuration)",
    )
    verify.add_argument("--key", type=Path, metavar="FILE", help="file with the key of the chain")
    _add_configuration(verify)
    verify.add_argument("--json", action="store_true", help="print what was found as JSON")


def _describe_eval(evaluate: argparse.ArgumentParser) -> None:
    evaluate.description = (
        "Searches a vector store for questions whose answers are known, and tells how often and "
        "how far above they are found. docs/evaluation.md describes the file of questions."
    )
    evaluate.add_argument("questions", type=Path, metavar="QUESTIONS.jsonl")
    evaluate.add_argument(
        "--store", metavar="NAME", help="vector store (default: that of `knowledge.store`)"
    )
    evaluate.add_argument(
        "--mode", choices=SEARCH_MODES, default="all", help="how to search (default: all)"
    )
    evaluate.add_argument(
        "--answers", action="store_true", help="also ask the model, and check what it cites"
    )
    _add_configuration(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print the figures as JSON")


def _add_configuration(subcommand: argparse.ArgumentParser) -> None:
    subcommand.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="CONFIG_FILE",
        # Where it is not given, what stands before the subcommand counts.
        default=argparse.SUPPRESS,
        help="configuration file, as without the subcommand",
    )
