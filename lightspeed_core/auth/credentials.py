"""What a request shows of its caller, free of any HTTP framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The parts of a request that may identify somebody.

    `headers` are looked up by lower-case names. Headers and parameters never appear in a
    representation.
    """

    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
