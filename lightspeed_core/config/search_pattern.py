"""Patterns of an operator, searched for in the words of callers within a bound of time.

It knows neither rules nor claims.
"""

from lightspeed_stack_providers.patterns import compile_pattern


class SearchPattern:
    """A pattern as `re` understands it; raises `re.error` for one that it refuses."""

    def __init__(self, pattern: str) -> None:
        self._compiled = compile_pattern(pattern)

    def is_found(self, text: str, *, seconds: float) -> bool:
        """Search a text; raises `TimeoutError` after that many seconds of computing."""
        return self._compiled.search(text, timeout=seconds) is not None
