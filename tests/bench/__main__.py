"""`make bench`: measures, prints the page and writes docs/performance.md. It asserts nothing."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.processes import ROOT
from tests.bench.report import render
from tests.bench.requests_plan import UPSTREAMS
from tests.bench.serving import measure_serving
from tests.bench.starting import bytecode_is_written, measure_starts


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description="Measure, and write docs/performance.md.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    arguments = parser.parse_args()
    if not bytecode_is_written():
        sys.exit("unset PYTHONDONTWRITEBYTECODE: without bytecode every start compiles anew")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        starts = measure_starts(root / "starts", arguments.rounds)
        servings = {
            upstream.name: measure_serving(upstream, root / f"serving-{n}", arguments.rounds)
            for n, upstream in enumerate(UPSTREAMS)
        }
    page = render(starts, servings, arguments.rounds)
    arguments.output.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
