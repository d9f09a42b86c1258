"""Deletes files of the chain by age. It does not know what they hold."""

import asyncio
import logging
import time
from datetime import timedelta

from lightspeed_core.audit.chain import BrokenLine
from lightspeed_core.audit.files import ChainFiles

logger = logging.getLogger(__name__)


class AuditRetention:
    """Keeps each file for as long after its last record as `keep` says; the newest one stays.

    Harmless on several workers.
    """

    def __init__(self, chain: ChainFiles, *, keep: timedelta) -> None:
        self._chain = chain
        self._keep = keep

    async def sweep(self) -> None:
        """Delete what is older; a chain that is not as it was written keeps its files."""
        before = time.time() - self._keep.total_seconds()
        try:
            count = await asyncio.to_thread(self._chain.expire, before)
        except (OSError, BrokenLine) as error:
            logger.warning("audit files were not deleted by age cause=%s", error)
        else:
            if count:
                logger.info("audit files were deleted by age count=%d", count)
