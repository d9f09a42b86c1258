"""Examines the GGUF files of language models that run on this machine; loads none of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine
from lightspeed_core.engine.llama_stack.run_config import RunConfig, expand
from lightspeed_stack_providers.llama_cpp.gguf import BrokenGguf, open_gguf
from lightspeed_stack_providers.llama_cpp.process import LibraryMissing, require_library

_LLAMA_CPP: Final = "inline::llama_cpp"


def check_language_models(run_config: RunConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check the file of every provider that is on, and that what runs it is installed."""
    for _, entry in run_config.enabled(environ):
        if entry["provider_type"] == _LLAMA_CPP:
            where = f"{run_config.path}: {expand(str(entry['provider_id']), environ)}"
            yield _check(entry.get("config") or {}, environ, where)


def _check(config: Mapping[str, Any], environ: Mapping[str, str], where: str) -> Finding:
    path = Path(expand(str(config.get("model_path")), environ))
    sha256 = expand(str(config.get("model_sha256") or ""), environ).lower() or None
    try:
        require_library()
        file = open_gguf(path, sha256)
    except (BrokenGguf, LibraryMissing) as error:
        return fatal(str(error), where=where, remedy="see docs/providers/llama_cpp.md")
    tools = "knows tools" if file.knows_tools else "knows no tools"
    size = file.bytes / 2**30
    return fine(f"language model {path.name} is whole, {size:.1f} GiB, and {tools}", where=where)
