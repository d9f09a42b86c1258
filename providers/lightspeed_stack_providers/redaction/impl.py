"""The stack's safety API over the rules."""

import asyncio
from typing import override

from lightspeed_stack_providers.redaction.config import RedactionConfig
from lightspeed_stack_providers.redaction.rules import Redactor
from lightspeed_stack_providers.text_shield import Rewritten, TextShield


class Redaction(TextShield):
    """Rewrites texts that hold what the rules describe; refuses none."""

    def __init__(self, config: RedactionConfig) -> None:
        self._redactor = Redactor(config)

    @override
    async def judge(self, text: str, role: str) -> Rewritten | None:
        """Take values out. Raises `TimeoutError` when the rules compute too long."""
        redacted = await asyncio.to_thread(self._redactor.redact, text)
        return None if redacted.text == text else Rewritten(redacted.text, redacted.restore)
