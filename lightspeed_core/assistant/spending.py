"""What a turn reserves of quotas, and what its model calls used. Knows no limiter."""

import math
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final

from lightspeed_core.assistant.model_call import Chat
from lightspeed_core.assistant.token_estimate import estimate_prompt, estimate_usage
from lightspeed_core.domain.messages import Message, TokenUsage
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.engine.types import ChatDelta, ChatRequest
from lightspeed_core.quota.account import Account

# By how much an estimate may be too low, and a little more.
_MARGIN: Final = 1.25


def bound_of_call(prompt: Iterable[Message], answer_tokens: int) -> int:
    """Return the tokens that a call uses at most whose answer is no longer than that."""
    return math.ceil(estimate_prompt(prompt) * _MARGIN) + answer_tokens


def counted(chat: Chat, account: Account) -> Chat:
    """Return the chat as the account counts it: itself, where nothing is counted."""
    return _CountedChat(chat, account) if account.is_counted else chat


class _CountedChat:
    """Tells an account what each call used, also of one that broke or was stopped."""

    def __init__(self, chat: Chat, account: Account) -> None:
        self._chat = chat
        self._account = account

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        is_accepted = False
        usage: TokenUsage | None = None
        written: list[str] = []
        calls = list[ToolCall]()
        try:
            async with aclosing(self._chat.chat(request)) as deltas:
                async for delta in deltas:
                    is_accepted = True
                    usage = delta.usage or usage
                    written.extend(delta.tokens)
                    calls.extend(delta.tool_calls)
                    yield delta
        finally:
            if is_accepted:
                self._account.use(usage or estimate_usage(request, written, calls))
