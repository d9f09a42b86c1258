"""Reads a Containerfile and its ignore file, and copies what a stage would copy."""

import json
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """The instructions of one stage, in their order."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def all(self, instruction: str) -> list[str]:
        """Return the arguments of every such instruction."""
        return [arguments for name, arguments in self.steps if name == instruction]

    def last(self, instruction: str) -> str:
        """Return the arguments of the one that counts."""
        return self.all(instruction)[-1]

    def environment(self) -> dict[str, str]:
        """Return what ENV sets."""
        pairs = [pair for line in self.all("ENV") for pair in shlex.split(line)]
        return dict(pair.split("=", 1) for pair in pairs)

    def command(self, instruction: str) -> list[str]:
        """Return a command that is written as a list."""
        return json.loads(self.last(instruction))

    def copies(self, source: str | None = None) -> list[tuple[str, str]]:
        """Return (from, to) of what is copied from the context, or from another stage."""
        found: list[tuple[str, str]] = []
        for line in self.all("COPY"):
            words = shlex.split(line)
            options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
            *origins, target = [word for word in words if not word.startswith("--")]
            if options.get("from") == source:
                found += [(origin, target) for origin in origins]
        return found


def read_stages(file: Path) -> list[Stage]:
    """Parse a Containerfile into its stages."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        instruction, arguments = line.strip().split(maxsplit=1)
        if instruction == "FROM":
            stages.append(Stage(arguments.partition(" AS ")[2]))
        else:
            stages[-1].steps.append((instruction, arguments))
    return stages


class Context:
    """The folder that is built from, without what its ignore file leaves out."""

    def __init__(self, root: Path) -> None:
        self._root = root
        ignored = (root / ".containerignore").read_text().split()
        self._ignored = [re.compile(_expression(pattern)) for pattern in ignored]

    def holds(self, name: str) -> bool:
        """Say whether a file or folder is part of the context."""
        path = Path(name)
        parts = [path, *path.parents]
        is_ignored = any(
            each.fullmatch(part.as_posix()) for each in self._ignored for part in parts
        )
        return not is_ignored and (self._root / path).exists()

    def copy(self, origin: str, target: Path) -> None:
        """Copy as COPY does: a file into a folder, or what is in a folder."""
        source = self._root / origin
        if source.is_file():
            shutil.copy2(source, target)
        else:
            shutil.copytree(source, target, ignore=self._left_out, dirs_exist_ok=True)

    def _left_out(self, folder: str, names: list[str]) -> list[str]:
        inside = Path(folder).relative_to(self._root)
        return [name for name in names if not self.holds((inside / name).as_posix())]


def _expression(pattern: str) -> str:
    # `**/` is any folder or none; `*` stays within a name.
    pieces = [re.escape(piece).replace(r"\*", "[^/]*") for piece in pattern.split("**/")]
    return "(?:.*/)?".join(pieces)
