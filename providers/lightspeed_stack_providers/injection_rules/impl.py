"""The stack's safety API over the rules."""

import asyncio
from typing import override

from lightspeed_stack_providers.injection_rules.config import InjectionRulesConfig
from lightspeed_stack_providers.injection_rules.rules import find_injection, neutralize
from lightspeed_stack_providers.text_shield import Blocked, Rewritten, TextShield


class InjectionRules(TextShield):
    """Blocks a user's text, and takes orders out of what documents and tools say."""

    def __init__(self, config: InjectionRulesConfig) -> None:
        self._config = config

    @override
    async def judge(self, text: str, role: str) -> Blocked | Rewritten | None:
        """Judge a text by its role; answers of the assistant pass."""
        if role == "assistant":
            return None
        if role == "tool":
            neutral = await asyncio.to_thread(neutralize, text)
            return None if neutral == text else Rewritten(neutral)
        found = await asyncio.to_thread(find_injection, text)
        return None if found is None else Blocked(self._config.response, found)
