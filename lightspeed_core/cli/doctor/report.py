"""Findings as people and programs read them. Does not know how they were found."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Final

from lightspeed_core.cli.doctor.finding import Finding, Severity

_LABELS: Final = {Severity.OK: "ok", Severity.WARNING: "WARNING", Severity.FATAL: "FATAL"}
_LABEL_WIDTH: Final = max(map(len, _LABELS.values()))


def render_table(findings: Sequence[Finding]) -> str:
    """Write a line for each finding, below it its place and remedy, and last the counts."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines: list[str] = []
    for finding in findings:
        label = _LABELS[finding.severity].ljust(_LABEL_WIDTH)
        head = f"{label}  {finding.check.ljust(width)}  "
        lines.append(head + finding.what.replace("\n", f"\n{' ' * len(head)}"))
        notes = (("at", finding.where), ("remedy:", finding.remedy))
        lines += [f"{' ' * len(head)}{name} {text}" for name, text in notes if text]
    counts = count(findings)
    told = f"{counts['fatal']} fatal, {counts['warning']} warnings, {counts['ok']} ok"
    return "\n".join([*lines, "", told, ""])


def render_json(findings: Sequence[Finding]) -> str:
    """Write `{"findings": [...], "counts": {...}}`."""
    shown = {"findings": [asdict(finding) for finding in findings], "counts": count(findings)}
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """Count findings by severity."""
    counted = Counter(finding.severity for finding in findings)
    return {severity.value: counted[severity] for severity in Severity}
