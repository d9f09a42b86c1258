"""`make bench`: measures, prints the page and writes docs/performance.md. It asserts nothing."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.access import measure_access, render_access
from tests.bench.growth import measure_growth
from tests.bench.growth_report import render_growth
from tests.bench.processes import ROOT
from tests.bench.report import render
from tests.bench.requests_plan import UPSTREAMS
from tests.bench.serving import measure_serving
from tests.bench.starting import bytecode_is_written, measure_starts
from tests.bench.stores import measure_stores
from tests.bench.stores_report import render_stores

PARTS = ("access", "growth", "stores")


def main() -> None:
    """Measure everything, or one part."""
    parser = argparse.ArgumentParser(description="Measure, and write docs/performance.md.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--only", choices=PARTS, help="measure and replace this part alone")
    arguments = parser.parse_args()
    if not bytecode_is_written():
        sys.exit("unset PYTHONDONTWRITEBYTECODE: without bytecode every start compiles anew")
    with tempfile.TemporaryDirectory() as folder:
        root, rounds = Path(folder), arguments.rounds
        only = arguments.only
        page = arguments.output.read_text() if only else _services(root, rounds)
        for part in [only] if only else PARTS:
            page = with_part(page, _measured(part, root / part, rounds))
    arguments.output.write_text(page)
    print(page)


def with_part(page: str, part: str) -> str:
    """Return a page with a part in the place of the one of the same heading, else at its end."""
    heading = part.partition("\n")[0]
    before, _, old = page.partition(f"{heading}\n")
    rest = old.partition("\n## ")[2]
    return f"{before.rstrip()}\n\n{part}" + (f"\n## {rest}" if rest else "")


def _measured(part: str, folder: Path, rounds: int) -> str:
    if part == "access":
        return render_access(measure_access(folder, rounds), rounds)
    if part == "stores":
        return render_stores(measure_stores(folder, rounds), rounds)
    return render_growth(measure_growth(folder, rounds), rounds)


def _services(root: Path, rounds: int) -> str:
    starts = measure_starts(root / "starts", rounds)
    servings = {
        upstream.name: measure_serving(upstream, root / f"serving-{n}", rounds)
        for n, upstream in enumerate(UPSTREAMS)
    }
    return render(starts, servings, rounds)


if __name__ == "__main__":
    main()
