"""The subcommand: examines, prints, and says by its exit code whether anything is fatal."""

import asyncio
import sys
from collections.abc import Mapping

from lightspeed_core.cli.arguments import FAILED
from lightspeed_core.cli.doctor.examination import examine
from lightspeed_core.cli.doctor.report import count, render_json, render_table
from lightspeed_core.config.root import Configuration


def diagnose(configuration: Configuration, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Print every finding; returns 1 when one is fatal, else 0."""
    findings = asyncio.run(examine(configuration, environ))
    sys.stdout.write(render_json(findings) if as_json else render_table(findings))
    return FAILED if count(findings)["fatal"] else 0
