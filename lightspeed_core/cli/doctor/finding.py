"""What the doctor found: how bad it is, where, and what helps. Knows no check."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether the service can do its work with what was found."""

    OK = "ok"
    WARNING = "warning"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence about one place; `check` is the family of checks that it comes from.

    `where` is a place in the configuration, a file or a variable. No secret is in any text.
    """

    severity: Severity
    what: str
    where: str = ""
    remedy: str = ""
    check: str = ""


def fine(what: str, *, where: str = "") -> Finding:
    """Say that something is as it should be."""
    return Finding(severity=Severity.OK, what=what, where=where)


def warning(what: str, *, where: str = "", remedy: str) -> Finding:
    """Say that something is probably not meant so, or a risk."""
    return Finding(severity=Severity.WARNING, what=what, where=where, remedy=remedy)


def fatal(what: str, *, where: str = "", remedy: str) -> Finding:
    """Say that the service will not start, or not answer."""
    return Finding(severity=Severity.FATAL, what=what, where=where, remedy=remedy)
