"""Findings as people and programs read them."""

import json

from lightspeed_core.cli.doctor.finding import Finding, Severity, fatal, fine
from lightspeed_core.cli.doctor.report import count, render_json, render_table

GOOD = fine("the port is free", where="service.port")
BAD = fatal("no key", where="OPENAI_API_KEY", remedy="set it")
ODD = Finding(severity=Severity.WARNING, what="odd\nin two lines", check="files")


def test_a_table_says_each_finding_with_its_place_and_its_remedy() -> None:
    assert render_table([GOOD, BAD, ODD]) == (
        "ok              the port is free\n"
        "                at service.port\n"
        "FATAL           no key\n"
        "                at OPENAI_API_KEY\n"
        "                remedy: set it\n"
        "WARNING  files  odd\n"
        "                in two lines\n"
        "\n"
        "1 fatal, 1 warnings, 1 ok\n"
    )


def test_json_holds_the_findings_and_their_counts() -> None:
    shown = json.loads(render_json([BAD]))
    assert shown == {
        "findings": [
            {
                "severity": "fatal",
                "what": "no key",
                "where": "OPENAI_API_KEY",
                "remedy": "set it",
                "check": "",
            }
        ],
        "counts": {"ok": 0, "warning": 0, "fatal": 1},
    }


def test_every_severity_is_counted() -> None:
    assert count([]) == {"ok": 0, "warning": 0, "fatal": 0}
