"""Which kind of file system holds a path. Knows what SQLite cannot do over a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mounts")
_NETWORK: Final = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "gfs2", "glusterfs",
        "lustre", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "virtiofs",
    }
)  # fmt: skip


def find_network_mount(path: Path, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that holds a path; None for a local disk.

    `mounts` is what `/proc/mounts` says; where there is no such file, nothing is known.
    """
    if mounts is None:
        mounts = _MOUNTS.read_text() if _MOUNTS.is_file() else ""
    resolved = path.resolve()
    holders = [entry for entry in _entries(mounts) if resolved.is_relative_to(entry[0])]
    if not holders:
        return None
    # The deepest mount holds it, and of two at one place the later.
    _, kind = max(enumerate(holders), key=lambda each: (len(each[1][0].parts), each[0]))[1]
    return kind if kind in _NETWORK else None


def _entries(mounts: str) -> Iterator[tuple[Path, str]]:
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) > 2:
            yield Path(fields[1].replace("\\040", " ")), fields[2]
