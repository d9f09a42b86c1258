"""Where documents come from: folders and single files, each with a stable id.

Knows no store. The id of a document is a key: the name of its folder, a hash of where the folder
is, and the file's path below it. No path of the machine is in it but that.
"""

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol
from urllib.parse import quote

from lightspeed_core.errors import NotFound
from lightspeed_core.ingest.parse.kinds import SUFFIXES

_NO_PART_OF_A_LABEL: Final = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST_LABEL: Final = 40
_HASH_LENGTH: Final = 12
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A file that was written to this shortly before, in seconds, may be again without a new time.
_TOO_FRESH: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that was found; `problem` says why it cannot be taken.

    `name` is its path below the folder, as people know it; `stamp` changes when the file does,
    and is empty where that cannot be told from outside. A file that `is_own` came with the product
    and is read without a process around it; one that is not `is_kept` is gone when it was read.
    `title` goes before its own. `attributes` are kept with its chunks, of which each has at most
    `max_chunk_tokens`, None for as many as usual.
    """

    document_id: str
    name: str
    path: Path
    size: int = 0
    stamp: str = ""
    url: str | None = None
    title: str | None = None
    problem: str | None = None
    is_own: bool = False
    is_kept: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    max_chunk_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a source; nothing is known of documents whose id begins with an `unread`."""

    files: Sequence[FoundFile]
    unread: tuple[str, ...] = ()


class Source(Protocol):
    """Files that belong together."""

    @property
    def key(self) -> str:
        """Name the source, the same for the same files at the next time."""
        ...

    def find(self) -> Listing:
        """Find the files; blocks. Raises `NotFound` where the whole source is missing."""
        ...

    def owns(self, document_id: str) -> bool:
        """Say whether a document that is not listed any more has to go."""
        ...


@dataclass(frozen=True, slots=True)
class Folder(Source):
    """A folder with everything below it that is not hidden.

    Symbolic links are followed to files inside of it alone. A path below it is taken when it
    matches one of `include`, or there is none and the file's name is one of a document, and when
    it matches none of `exclude`; `*` also matches `/`.
    """

    root: Path
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    url_prefix: str | None = None
    label: str = field(init=False)

    def __post_init__(self) -> None:
        """Resolve the folder, for its id depends on where it is."""
        object.__setattr__(self, "root", self.root.resolve())
        object.__setattr__(self, "label", label_of(self.root))

    @property
    def key(self) -> str:
        """The label says which folder it is."""
        return self.label

    def find(self) -> Listing:
        """Walk through the folder, in the order of the names."""
        if not self.root.is_dir():
            raise NotFound("folder", str(self.root))
        unread: list[str] = []
        files = list(self._walk(unread))
        return Listing(files, tuple(unread))

    def owns(self, document_id: str) -> bool:
        """Own what was found in this folder."""
        return document_id.startswith(f"{self.label}/")

    def _walk(self, unread: list[str]) -> Iterator[FoundFile]:
        failed: list[OSError] = []
        for directory, subdirectories, names in os.walk(self.root, onerror=failed.append):
            subdirectories[:] = sorted(name for name in subdirectories if name[0] != ".")
            for name in sorted(names):
                path = Path(directory, name)
                relative = path.relative_to(self.root).as_posix()
                if name[0] != "." and self._is_wanted(relative):
                    yield describe(path, self.root, self.label, url_prefix=self.url_prefix)
        for error in failed:
            relative = Path(os.fsdecode(error.filename)).relative_to(self.root).as_posix()
            prefix = self.label if relative == "." else f"{self.label}/{relative}"
            unread.append(f"{prefix}/")
            yield FoundFile(
                document_id=prefix,
                name=_shown(relative),
                path=self.root / relative,
                problem=f"the folder cannot be read: {error.strerror}",
            )

    def _is_wanted(self, relative: str) -> bool:
        if any(fnmatchcase(relative, pattern) for pattern in self.exclude):
            return False
        if not self.include:
            return PurePosixPath(relative).suffix.lower() in SUFFIXES
        return any(fnmatchcase(relative, each) for each in self.include)


@dataclass(frozen=True, slots=True)
class SingleFile(Source):
    """One file, under the id that it has in its folder as well."""

    path: Path

    @property
    def key(self) -> str:
        """Its id."""
        return self._described().document_id

    def find(self) -> Listing:
        """Find the file."""
        if not self.path.is_file():
            raise NotFound("file", str(self.path))
        return Listing([self._described()])

    def owns(self, document_id: str) -> bool:
        """Own itself."""
        return document_id == self.key

    def _described(self) -> FoundFile:
        path = self.path.absolute()
        root = path.parent.resolve()
        return describe(root / path.name, root, label_of(root))


@dataclass(frozen=True, slots=True)
class ProductDocs(Source):
    """`README.md` and the Markdown files below `docs`, which have their paths as ids.

    The ids are the same in a checkout and in an installed package. Decision records are left out:
    they also tell what was not done.
    """

    root: Path

    @property
    def key(self) -> str:
        """There is one such source."""
        return "product-docs"

    def find(self) -> Listing:
        """Find the documents, in the order of their paths."""
        return Listing([self._described(path) for path in self._paths() if path.is_file()])

    def owns(self, document_id: str) -> bool:
        """Own what has one of these paths."""
        return document_id == "README.md" or document_id.startswith("docs/")

    def _paths(self) -> Iterator[Path]:
        docs = self.root / "docs"
        yield self.root / "README.md"
        for path in sorted(docs.rglob("*.md")):
            if not path.is_relative_to(docs / "decisions"):
                yield path

    def _described(self, path: Path) -> FoundFile:
        name, status = path.relative_to(self.root).as_posix(), path.stat()
        return FoundFile(
            document_id=name,
            name=name,
            path=path,
            size=status.st_size,
            stamp=stamp_of(status),
            is_own=True,
        )


@dataclass(frozen=True, slots=True)
class Joined(Source):
    """Several sources that are brought in together; a file of several counts once."""

    sources: tuple[Source, ...]

    @property
    def key(self) -> str:
        """The keys of its parts, whatever their order."""
        return "\n".join(sorted({source.key for source in self.sources}))

    def find(self) -> Listing:
        """List the parts one after another."""
        listings = [source.find() for source in self.sources]
        files = {file.document_id: file for listing in listings for file in listing.files}
        return Listing(
            list(files.values()), tuple(prefix for each in listings for prefix in each.unread)
        )

    def owns(self, document_id: str) -> bool:
        """Own what one of the parts owns."""
        return any(source.owns(document_id) for source in self.sources)


def label_of(folder: Path) -> str:
    """Name a resolved folder so that no other folder has the same name."""
    name = _NO_PART_OF_A_LABEL.sub("-", folder.name).strip(".-")[:_LONGEST_LABEL] or "folder"
    return f"{name}@{hashlib.sha256(os.fsencode(folder)).hexdigest()[:_HASH_LENGTH]}"


def describe(path: Path, root: Path, label: str, *, url_prefix: str | None = None) -> FoundFile:
    """Look at a file below `root`, both resolved but for a link that the file itself may be."""
    relative = path.relative_to(root).as_posix()
    shown = _shown(relative)
    found = FoundFile(document_id=f"{label}/{shown}", name=shown, path=path)
    if shown != relative:
        return _unfit(found, "its name has characters that cannot be shown: rename it")
    try:
        target = path.resolve()
        status = target.stat()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it links to itself"
        return _unfit(found, f"it cannot be read: {reason}")
    if not target.is_relative_to(root):
        return _unfit(found, "it is a link to a place outside of the folder")
    if not stat.S_ISREG(status.st_mode):
        return _unfit(found, "it is no regular file")
    return FoundFile(
        document_id=found.document_id,
        name=shown,
        path=target,
        size=status.st_size,
        stamp=stamp_of(status),
        url=None if url_prefix is None else f"{url_prefix.rstrip('/')}/{quote(relative)}",
    )


def stamp_of(status: os.stat_result, now: float | None = None) -> str:
    """Tell a version of a file by its size and times; empty for one just written."""
    newest = max(status.st_mtime, status.st_ctime)
    if newest > (time.time() if now is None else now) - _TOO_FRESH:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def source_of(path: Path) -> Source:
    """Return the source that a path stands for. Raises `NotFound` where there is nothing."""
    if path.is_dir():
        return Folder(path)
    if path.exists():
        return SingleFile(path)
    raise NotFound("file or folder", str(path))


def _unfit(found: FoundFile, problem: str) -> FoundFile:
    return FoundFile(
        document_id=found.document_id, name=found.name, path=found.path, problem=problem
    )


def _shown(relative: str) -> str:
    """Write a path without what would break a line or an encoding."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", relative)


def is_below(document_id: str, prefixes: Sequence[str]) -> bool:
    """Say whether a document is from one of these folders."""
    return any(document_id.startswith(prefix) for prefix in prefixes)
