"""`make bench`: measures, prints the page and writes docs/performance.md. It asserts nothing."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.growth import measure_growth
from tests.bench.growth_report import render_growth, replaced
from tests.bench.processes import ROOT
from tests.bench.report import render
from tests.bench.requests_plan import UPSTREAMS
from tests.bench.serving import measure_serving
from tests.bench.starting import bytecode_is_written, measure_starts

GROWTH = "growth"


def main() -> None:
    """Measure everything, or one part."""
    parser = argparse.ArgumentParser(description="Measure, and write docs/performance.md.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--only", choices=[GROWTH], help="measure and replace this part alone")
    arguments = parser.parse_args()
    if not bytecode_is_written():
        sys.exit("unset PYTHONDONTWRITEBYTECODE: without bytecode every start compiles anew")
    with tempfile.TemporaryDirectory() as folder:
        root, rounds = Path(folder), arguments.rounds
        is_part = arguments.only == GROWTH
        page = arguments.output.read_text() if is_part else _services(root, rounds)
        growth = render_growth(measure_growth(root / GROWTH, rounds), rounds)
    page = replaced(page, growth)
    arguments.output.write_text(page)
    print(page)


def _services(root: Path, rounds: int) -> str:
    starts = measure_starts(root / "starts", rounds)
    servings = {
        upstream.name: measure_serving(upstream, root / f"serving-{n}", rounds)
        for n, upstream in enumerate(UPSTREAMS)
    }
    return render(starts, servings, rounds)


if __name__ == "__main__":
    main()
