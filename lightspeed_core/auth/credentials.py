"""What a request shows of its caller, free of any HTTP framework."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lightspeed_core.errors import MalformedRequest

type Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The parts of a request that may identify somebody, as names and values.

    Names of headers are in lower case. Headers and parameters never appear in a representation.
    """

    path: str
    headers: Pairs = field(default=(), repr=False)
    query: Pairs = field(default=(), repr=False)

    def header(self, name: str) -> str | None:
        """Return the one header of that name, None without one.

        Raises `MalformedRequest` for several, as does `parameter`: whoever stands in front may
        have judged another of them than we would.
        """
        return _only(f"header {name}", (value for key, value in self.headers if key == name))

    def parameter(self, name: str) -> str | None:
        """Return the one query parameter of that name, None without one."""
        return _only(f"parameter {name}", (value for key, value in self.query if key == name))


def _only(what: str, values: Iterable[str]) -> str | None:
    found = tuple(values)
    if len(found) > 1:
        raise MalformedRequest(
            "Ambiguous credentials", f"The {what} was sent {len(found)} times; send it once."
        )
    return found[0] if found else None
