"""Put together what writes feedback and transcripts, as the configuration says."""

from functools import partial
from pathlib import Path

from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.user_data.feedback import FeedbackCollector
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.status import FeedbackStatusStore
from lightspeed_core.user_data.transcripts import Transcripts


def transcripts_of(configuration: Configuration, metrics: Metrics) -> Transcripts | None:
    """Return what writes transcripts, or None where none are kept."""
    section = configuration.user_data_collection
    if not section.transcripts_enabled or section.transcripts_storage is None:
        return None
    files = JsonFiles(partial(metrics.user_data_failed, "transcript"))
    return Transcripts(Path(section.transcripts_storage), files)


def feedback_of(
    configuration: Configuration,
    *,
    status: FeedbackStatusStore,
    conversations: ConversationStore,
    metrics: Metrics,
) -> FeedbackCollector:
    """Return what takes feedback; it can be switched on where it has a directory."""
    storage = configuration.user_data_collection.feedback_storage
    files = JsonFiles(partial(metrics.user_data_failed, "feedback"))

    async def owner_of(conversation_id: str) -> str | None:
        conversation = await conversations.find(conversation_id)
        return None if conversation is None else conversation.user_id

    return FeedbackCollector(
        status=status,
        directory=None if storage is None else Path(storage),
        files=files,
        owner_of=owner_of,
    )
