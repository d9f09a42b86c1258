"""Parameters that some models refuse: learned from the refusal, remembered per model."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from lightspeed_stack_providers.failures import UpstreamRejected

# What takes the place of a refused parameter; None where nothing does.
SUBSTITUTES: Mapping[str, str | None] = {
    "stream_options": None,
    "max_tokens": "max_completion_tokens",
}
UNSUPPORTED = re.compile(
    r"unsupported|not supported|unrecognized|unknown|unexpected|not permitted|not allowed",
    re.IGNORECASE,
)


class Dialect:
    """What the models of one endpoint are known to refuse."""

    def __init__(self) -> None:
        self._refused: defaultdict[str, set[str]] = defaultdict(set)

    def adapt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body in the words that its model is known to take."""
        adapted = dict(body)
        for name in self._refused.get(str(body["model"]), ()):
            value = adapted.pop(name, None)
            substitute = SUBSTITUTES[name]
            if substitute is not None and value is not None:
                adapted.setdefault(substitute, value)
        return adapted

    def learn(self, body: Mapping[str, Any], refused: UpstreamRejected) -> bool:
        """Say whether the refusal taught something, so that another attempt makes sense."""
        text = str(refused)
        if refused.status not in {400, 422} or not UNSUPPORTED.search(text):
            return False
        refused_here = self._refused[str(body["model"])]
        for name in SUBSTITUTES:
            if name in body and name in text and name not in refused_here:
                refused_here.add(name)
                return True
        return False
