"""Which file systems are no local disks."""

from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.mounts import find_network_mount

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
server:/export /data nfs4 rw 0 0
tmpfs /data/local tmpfs rw 0 0
//host/share /with\\040blank cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/lcs.db", None),
        ("/data/lcs.db", "nfs4"),
        ("/data/local/lcs.db", None),
        ("/with blank/lcs.db", "cifs"),
    ],
)
def test_the_deepest_mount_says_where_a_file_lies(path: str, kind: str | None) -> None:
    assert find_network_mount(Path(path), MOUNTS) == kind


def test_nothing_is_known_without_a_list_of_mounts() -> None:
    assert find_network_mount(Path("/data/lcs.db"), "") is None


def test_the_list_of_this_machine_can_be_read(tmp_path: Path) -> None:
    find_network_mount(tmp_path)
