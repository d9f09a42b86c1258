"""What is deleted by age, and what a deletion takes with it, as the configuration says."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from lightspeed_core.assistant.keeper import repeat
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.removal import Removal
from lightspeed_core.conversations.retention import ConversationRetention
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.files.store import FileStore
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.retention import FEEDBACK_DEPTH, TRANSCRIPT_DEPTH, FileRetention
from lightspeed_core.user_data.transcripts import Transcripts

SWEEP_SECONDS: Final = 600.0
LONGEST_UPLOAD: Final = timedelta(days=3)
"""More than 100 MiB need at the slowest pace that is taken."""

logger = logging.getLogger(__name__)

type Sweep = Callable[[], Awaitable[None]]


def removal_of(configuration: Configuration, store: ConversationStore, metrics: Metrics) -> Removal:
    """Return what deletes conversations; their transcripts as well, where that is set.

    These go also when none are written any more.
    """
    section = configuration.user_data_collection
    if not section.delete_transcripts_with_conversation or section.transcripts_storage is None:
        return Removal(store)
    files = JsonFiles(partial(metrics.user_data_failed, "transcript"))
    return Removal(store, Transcripts(Path(section.transcripts_storage), files))


def schedule_sweeps(
    background: asyncio.TaskGroup,
    configuration: Configuration,
    store: ConversationStore,
    removal: Removal,
) -> None:
    """Have deleted what is old, now and every `SWEEP_SECONDS`."""
    for sweep in _sweeps(configuration, store, removal):
        background.create_task(repeat(sweep, SWEEP_SECONDS), name="retention")


def sweep_uploads(background: asyncio.TaskGroup, files: FileStore) -> None:
    """Have removed what uploads left that ended with their process."""

    async def sweep() -> None:
        if count := await files.sweep(older_than=datetime.now(UTC) - LONGEST_UPLOAD):
            logger.info("unfinished uploads removed count=%d", count)

    background.create_task(repeat(sweep, SWEEP_SECONDS), name="uploads")


def _sweeps(
    configuration: Configuration, store: ConversationStore, removal: Removal
) -> Iterator[Sweep]:
    retention, section = configuration.retention, configuration.user_data_collection
    if retention.conversations_days is not None:
        keep = timedelta(days=retention.conversations_days)
        yield ConversationRetention(store, removal, keep=keep).sweep
    files = (
        ("transcript", retention.transcripts_days, section.transcripts_storage, TRANSCRIPT_DEPTH),
        ("feedback", retention.feedback_days, section.feedback_storage, FEEDBACK_DEPTH),
    )
    for kind, days, root, depth in files:
        if days is not None and root is not None:
            keep = timedelta(days=days)
            yield FileRetention(Path(root), kind=kind, depth=depth, keep=keep).sweep
