"""Tells when something in a folder changes. Knows nothing of documents."""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

# How often it is looked for a folder that is missing.
_LOOK_AGAIN_SECONDS: Final = 5.0


async def changes(folder: Path) -> AsyncIterator[None]:
    """Yield after every change below a folder, many at once as one; endless.

    A folder that is missing is waited for. Soon after the beginning it yields in any case, for
    what changed before it was watched.
    """
    # A service that watches nothing does not load it.
    awatch = importlib.import_module("watchfiles").awatch
    while True:
        if not await asyncio.to_thread(folder.is_dir):
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            continue
        is_first = True
        try:
            async for found in awatch(folder, ignore_permission_denied=True, yield_on_timeout=True):
                if found or is_first:
                    yield
                is_first = False
                if not await asyncio.to_thread(folder.is_dir):
                    break
        except OSError as error:
            logger.warning("folder cannot be watched path=%s: %s", folder, error)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
