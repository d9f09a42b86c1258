"""A pool of connections, opened when it is first needed and again when the server was away.

Knows neither the stack nor what the tables hold.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast
from urllib.parse import urlencode

import asyncpg

from lightspeed_stack_providers.pgvector_async import schema
from lightspeed_stack_providers.pgvector_async.config import PgvectorAsyncConfig
from lightspeed_stack_providers.pgvector_async.failures import (
    BROKEN,
    UNUSABLE,
    named,
)
from lightspeed_stack_providers.pgvector_async.schema import Connection

_CONNECT_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 3.0
_LOCK_MILLISECONDS: Final = "10000"
_TRIES: Final = 3

_log = logging.getLogger(__name__)


class Database:
    """The database of `config`. Its methods raise `DatabaseUnusable`."""

    def __init__(self, config: PgvectorAsyncConfig) -> None:
        self._config = config
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def read[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do work on one snapshot: what others commit meanwhile is not seen."""
        return await self._run(work, isolation="repeatable_read", readonly=True)

    async def write[T](self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do work as one transaction: all of it is stored, or nothing.

        Work is begun anew when the connection breaks, so it must not mind being done twice.
        """
        return await self._run(work, isolation="read_committed", readonly=False)

    async def close(self) -> None:
        """Let go of all connections; harmless when repeated."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def _run[T](
        self, work: Callable[[Connection], Awaitable[T]], *, isolation: Any, readonly: bool
    ) -> T:
        for remaining in reversed(range(_TRIES)):
            try:
                pool = await self._opened()
                async with (
                    pool.acquire(timeout=_CONNECT_SECONDS) as connection,
                    connection.transaction(isolation=isolation, readonly=readonly),
                ):
                    return await work(cast("Connection", connection))
            except TimeoutError as error:
                raise named(error, self._config.address) from error
            except BROKEN as error:
                if not remaining:
                    raise named(error, self._config.address) from error
                _log.info("vector store database tried again", extra={"error": repr(error)})
                if self._pool is not None:
                    await self._pool.expire_connections()
            except UNUSABLE as error:
                raise named(error, self._config.address) from error
        raise AssertionError("unreachable")

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                path = await self._prepare()
                self._pool = await asyncpg.create_pool(
                    **self._arguments(search_path=path),
                    min_size=0,
                    max_size=self._config.pool_size,
                )
        return self._pool

    async def _prepare(self) -> str:
        """Make the tables where they are missing; give the path on which all is found."""
        connection = await asyncpg.connect(**self._arguments())
        try:
            async with connection.transaction():
                return await schema.prepare(connection, self._config)
        finally:
            await connection.close(timeout=_CONNECT_SECONDS)

    def _arguments(self, **settings: str) -> dict[str, Any]:
        config = self._config
        tls = {"sslmode": config.ssl_mode}
        if config.ca_cert_path is not None:
            tls["sslrootcert"] = str(config.ca_cert_path)
        return {
            # The driver takes the name of a certificate in a URL alone.
            "dsn": f"postgresql://?{urlencode(tls)}",
            "host": config.host,
            "port": config.port,
            "database": config.db,
            "user": config.user,
            "password": config.password.get_secret_value(),
            "timeout": _CONNECT_SECONDS,
            "command_timeout": config.statement_seconds,
            "server_settings": {
                "application_name": "lightspeed-stack-vectors",
                "lock_timeout": _LOCK_MILLISECONDS,
                "idle_in_transaction_session_timeout": _LOCK_MILLISECONDS,
                **settings,
            },
        }
