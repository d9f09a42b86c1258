"""The prompts of a profile: a Python file of the operator that defines `PROFILE_CONFIG`."""

import logging
import os
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lightspeed_core.config.customization import CustomProfile
from lightspeed_core.config.place import BrokenPrompt, Place, Problem, ProblemsFound, is_mapping
from lightspeed_core.config.prompt_template import VARIABLES, compile_prompt

DEFAULT_PROMPT: Final = "default"
TOPIC_PROMPT: Final = "topic_summary"

_logger = logging.getLogger(__name__)


def read_profile(path: str, place: Place) -> CustomProfile:
    """Run the file and take its prompts; a file without usable ones yields none.

    Raises:
        ProblemsFound: There is no such file, it cannot be read, its variables are no texts, or one
            of the prompts that are used is a broken template.
    """
    file = Path(path)
    if not file.is_file():
        raise ProblemsFound([Problem(f"custom profile '{path}' is not a file", place)])
    if not os.access(file, os.R_OK):
        raise ProblemsFound([Problem(f"custom profile '{path}' is not readable", place)])
    content: Mapping[str, Any] = _run(file) if file.suffix == ".py" else {}
    prompts = _texts(content.get("system_prompts"))
    if not prompts:
        _logger.warning("profile had no system prompts", extra={"path": path})
    variables = content.get("variables", {})
    if problems := _check_variables(variables) or _check_prompts(file, prompts, variables):
        raise ProblemsFound([Problem(f"custom profile '{path}'{text}", place) for text in problems])
    return CustomProfile(path=path, prompts=prompts, variables=variables)


def _run(file: Path) -> Mapping[str, Any]:
    try:
        names: dict[str, Any] = runpy.run_path(str(file))
    except Exception:  # the operator's code may fail in any way
        _logger.exception("profile could not be run", extra={"path": str(file)})
        return {}
    profile = names.get("PROFILE_CONFIG")
    return profile if is_mapping(profile) else {}


def _texts(found: object) -> dict[str, str]:
    if not is_mapping(found):
        return {}
    return {str(name): text for name, text in found.items() if isinstance(text, str)}


def _check_variables(variables: object) -> list[str]:
    if not is_mapping(variables):
        return [": variables must map names to texts"]
    problems: list[str] = []
    for name, text in variables.items():
        if not (isinstance(name, str) and name.isidentifier()):
            problems.append(f": variables: {name!r} must be a name, of letters, digits and `_`")
        elif name in VARIABLES:
            problems.append(f": variables.{name}: every prompt has a variable of this name")
        elif not isinstance(text, str):
            problems.append(f": variables.{name} must be a text")
    return problems


def _check_prompts(
    file: Path, prompts: Mapping[str, str], variables: Mapping[str, str]
) -> list[str]:
    problems: list[str] = []
    for name in (DEFAULT_PROMPT, TOPIC_PROMPT):
        try:
            compile_prompt(prompts.get(name, ""), variables)
        except BrokenPrompt as broken:
            where = _place_in_file(file, prompts[name], broken.line)
            problems.append(f"{where}: system_prompts.{name}: {broken.text}")
    return problems


def _place_in_file(file: Path, prompt: str, line: int) -> str:
    """Find the line of a prompt's line; a prompt that code puts together has only its own lines."""
    before, found, _ = file.read_text(encoding="utf-8", errors="replace").partition(prompt)
    if found:
        return f", line {before.count('\n') + line}"
    return f", line {line} of the prompt"
