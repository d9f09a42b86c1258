"""The prompts of a profile: a Python file of the operator that defines `PROFILE_CONFIG`."""

import logging
import os
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightspeed_core.config.customization import CustomProfile
from lightspeed_core.config.place import Place, Problem, ProblemsFound, is_mapping

_logger = logging.getLogger(__name__)


def read_profile(path: str, place: Place) -> CustomProfile:
    """Run the file and take its prompts; a file without usable ones yields none.

    Raises:
        ProblemsFound: There is no such file, or it cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise ProblemsFound([Problem(f"custom profile '{path}' is not a file", place)])
    if not os.access(file, os.R_OK):
        raise ProblemsFound([Problem(f"custom profile '{path}' is not readable", place)])
    prompts: Mapping[str, str] = _run(file) if file.suffix == ".py" else {}
    if not prompts:
        _logger.warning("profile had no system prompts", extra={"path": path})
    return CustomProfile(path=path, prompts=prompts)


def _run(file: Path) -> Mapping[str, str]:
    try:
        names: dict[str, Any] = runpy.run_path(str(file))
    except Exception:  # the operator's code may fail in any way
        _logger.exception("profile could not be run", extra={"path": str(file)})
        return {}
    profile = names.get("PROFILE_CONFIG")
    prompts = profile.get("system_prompts") if is_mapping(profile) else None
    if not is_mapping(prompts):
        return {}
    return {str(name): text for name, text in prompts.items() if isinstance(text, str)}
