"""Put together what writes decisions, as the configuration says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from lightspeed_core.app.retention import SWEEP_SECONDS
from lightspeed_core.assistant.keeper import repeat
from lightspeed_core.audit.chain import Seal
from lightspeed_core.audit.files import ChainFiles
from lightspeed_core.audit.retention import AuditRetention
from lightspeed_core.audit.trail import AuditTrail, NoTrail, QueuedTrail
from lightspeed_core.config.audit import AuditConfiguration, OnAuditFailure
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.observability.metrics import Metrics


def chain_of(section: AuditConfiguration) -> ChainFiles | None:
    """Return the chain, which can be written to; None where none is kept.

    Raises `ConfigurationError` for a directory or a key that does not serve.
    """
    if section.directory is None:
        return None
    seal = seal_of(section.key_path)
    chain = ChainFiles(section.directory, seal)
    try:
        algorithm = chain.prepare()
    except OSError as error:
        raise ConfigurationError(
            f"audit.directory: {section.directory} cannot be written to: {error.strerror}"
        ) from error
    if algorithm not in {None, seal.algorithm}:
        raise ConfigurationError(
            f"audit.directory: {section.directory} holds a chain made with {algorithm}, and "
            f"audit.key_path asks for {seal.algorithm}: name an empty directory"
        )
    return chain


def seal_of(key_path: Path | None) -> Seal:
    """Return what hashes records; raises `ConfigurationError` for a key that cannot be read."""
    if key_path is None:
        return Seal()
    try:
        key = key_path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(
            f"audit.key_path: {key_path} cannot be read: {error.strerror}"
        ) from error
    if not key:
        raise ConfigurationError(f"audit.key_path: {key_path} is empty; it holds the secret key")
    return Seal(key)


@asynccontextmanager
async def open_trail(
    section: AuditConfiguration, metrics: Metrics, background: asyncio.TaskGroup
) -> AsyncGenerator[AuditTrail]:
    """Open what takes decisions; at the end it writes what it holds.

    Raises `ConfigurationError` for a directory or a key that does not serve.
    """
    chain = chain_of(section)
    if chain is not None and section.retention_days is not None:
        sweep = AuditRetention(chain, keep=timedelta(days=section.retention_days)).sweep
        background.create_task(repeat(sweep, SWEEP_SECONDS), name="audit retention")
    if chain is None and not section.log:
        yield NoTrail()
        return
    trail = QueuedTrail(
        is_logged=section.log,
        chain=chain,
        must_store=section.on_failure is OnAuditFailure.REFUSE,
        on_lost=metrics.audit_lost,
    )
    background.create_task(trail.run(), name="audit")
    try:
        yield trail
    finally:
        await trail.close()
