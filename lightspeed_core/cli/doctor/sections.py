"""Checks what the configuration says in vain, or at a risk."""

from collections.abc import Iterator, Mapping

from lightspeed_core.cli.doctor.finding import Finding, fine, warning
from lightspeed_core.config.place import dotted
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.start_warnings import (
    describe_risks,
    describe_unserved_environment,
    list_unserved,
)


def check_sections(configuration: Configuration, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Name every section that is not served, and every risk."""
    unserved = [dotted(place) for place in list_unserved(configuration)]
    for place in unserved:
        yield warning(
            f"{place} is not served by this version",
            where=place,
            remedy="remove it, or do not rely on it: it has no effect",
        )
    others = [*describe_unserved_environment(environ), *describe_risks(configuration)]
    for text in others:
        yield warning(text, remedy="change the setting, or accept what it says")
    if not unserved and not others:
        yield fine("every section is served, and no setting is a known risk")
