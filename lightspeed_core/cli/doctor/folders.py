"""Checks the folders whose documents the service shall keep."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lightspeed_core.cli.doctor.finding import Finding, fine, warning
from lightspeed_core.config.knowledge import KnowledgeConfiguration
from lightspeed_core.engine.llama_stack.run_config import RunConfig


def check_folders(
    section: KnowledgeConfiguration, run_config: RunConfig | None
) -> Iterator[Finding]:
    """Check that each folder can be read, and name the stores that will be made."""
    registered = _registered(run_config)
    for number, folder in enumerate(section.folders):
        place = f"knowledge.folders[{number}]"
        yield _check_path(Path(folder.path), f"{place}.path")
        if registered is not None and folder.store not in registered:
            yield fine(
                f"vector store {folder.store} is not in run.yaml; unless an earlier start has, the "
                "next one makes it with the default embedding model",
                where=f"{place}.store",
            )


def _check_path(path: Path, where: str) -> Finding:
    remedy = "create or mount it, correct the path, or give the user the right to read it"
    if not path.exists():
        told = f"{path} does not exist: its documents stay as they were indexed"
        return warning(told, where=where, remedy=remedy)
    if not path.is_dir():
        return warning(f"{path} is not a folder", where=where, remedy="name the folder of the file")
    if not os.access(path, os.R_OK | os.X_OK):
        told = f"{path} cannot be read by this user (uid {os.getuid()})"
        return warning(told, where=where, remedy=remedy)
    return fine(f"{path} can be read", where=where)


def _registered(run_config: RunConfig | None) -> set[str] | None:
    """Return ids and names of the stores of run.yaml; None where there is no such file."""
    if run_config is None:
        return None
    resources: Mapping[str, Any] = run_config.content.get("registered_resources") or {}
    return {
        str(store[key])
        for store in resources.get("vector_stores") or ()
        for key in ("vector_store_id", "vector_store_name")
        if store.get(key)
    }
