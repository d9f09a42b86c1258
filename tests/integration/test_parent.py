"""The parent of several server processes and the death of one of them."""

import subprocess
import sys

from tests.support.service import ROOT

# Far less than the parent's patience.
BOUND_SECONDS = 90


def test_a_worker_that_dies_is_not_waited_for() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dead_workers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BOUND_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
