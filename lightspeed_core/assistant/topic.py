"""The topic of a conversation, a few words for lists; written in the background and bounded.

A topic never delays or fails an answer. A model that only quotes is not asked, nor is any
for whom a quota has nothing left; then, and where it fails, the question's own first words serve.
"""

import asyncio
import logging
from contextlib import aclosing

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.prompts import write_prompt
from lightspeed_core.assistant.spending import bound_of_call, counted
from lightspeed_core.config.prompt_template import SystemPrompt
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.turn import Turn
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import ChatRequest
from lightspeed_core.errors import LightspeedError
from lightspeed_core.quota.account import Account

logger = logging.getLogger(__name__)

TOPIC_SECONDS = 30.0
MAX_TOPIC_WORDS = 8
MAX_TOPIC_LENGTH = 100
MAX_TOPIC_TOKENS = 32

_PROMPT = (
    "Name the topic of the user's question in at most five words. Capitalise significant words, "
    "use no articles, prepositions or punctuation and a neutral tone. Answer with the name alone."
)


def topic_of_question(question: str) -> str:
    """Return the first words of the question."""
    words = question.split()
    topic = " ".join(words[:MAX_TOPIC_WORDS])[:MAX_TOPIC_LENGTH].strip()
    return topic or "Untitled"


class TopicWriter:
    """Names conversations after their first turn, in the service's task group."""

    def __init__(
        self,
        *,
        group: asyncio.TaskGroup,
        engine: Engine,
        store: ConversationStore,
        prompt: SystemPrompt | None,
    ) -> None:
        self._group = group
        self._engine = engine
        self._store = store
        self._prompt = _PROMPT if prompt is None else prompt

    def schedule(self, context: TurnContext, turn: Turn) -> None:
        """Have the topic written where the turn opened a conversation and wants one."""
        if context.is_new and context.request.generate_topic_summary and turn.recorded:
            # The turn itself is settled; what names it is charged for itself.
            writing = self._write(turn, context.account.beside())
            self._group.create_task(writing, name=f"topic {turn.conversation_id}")

    async def _write(self, turn: Turn, account: Account) -> None:
        try:
            topic = await self._summarize(turn, account)
            # By now the user may have given it a name of their own.
            await self._store.rename(turn.conversation_id, topic, only_unnamed=True)
        except Exception:
            logger.exception("topic was not written conversation_id=%s", turn.conversation_id)

    async def _summarize(self, turn: Turn, account: Account) -> str:
        topic = ""
        try:
            async with asyncio.timeout(TOPIC_SECONDS):
                if not await self._only_quotes(turn.model.identifier):
                    topic = await self._ask(turn, account)
        except (LightspeedError, TimeoutError) as error:
            logger.warning("topic was not summarised cause=%r", error)
        finally:
            await account.settle()
        return topic or topic_of_question(turn.question)

    async def _only_quotes(self, identifier: str) -> bool:
        models = {model.identifier: model for model in await self._engine.models()}
        model = models.get(identifier)
        return model is not None and bool(model.metadata.get("extractive"))

    async def _ask(self, turn: Turn, account: Account) -> str:
        request = ChatRequest(
            model=turn.model.identifier,
            messages=(
                Message(role=Role.SYSTEM, content=write_prompt(self._prompt)),
                Message(role=Role.USER, content=turn.question),
            ),
            max_tokens=MAX_TOPIC_TOKENS,
        )
        if account.is_counted:
            await account.reserve(bound_of_call(request.messages, MAX_TOPIC_TOKENS), wait=False)
        tokens: list[str] = []
        async with aclosing(counted(self._engine, account).chat(request)) as deltas:
            async for delta in deltas:
                tokens.extend(delta.tokens)
        return " ".join("".join(tokens).split())[:MAX_TOPIC_LENGTH].strip(" .\"'")
