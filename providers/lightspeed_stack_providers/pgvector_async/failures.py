"""What can be wrong with the database, in words for an operator."""

from typing import Final

import asyncpg
import httpx
from llama_stack_api.common.errors import LlamaStackError

# Errors of `retrying` say nothing against another try: the connection broke, or others were first.
BROKEN: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,
    # A server that shuts down says so and hangs up; between the two the driver cannot ask.
    asyncpg.InternalClientError,
    OSError,
)
UNUSABLE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

_ADVICE: Final = (
    (
        (asyncpg.InvalidAuthorizationSpecificationError,),
        "See that user and password are right.",
    ),
    ((asyncpg.InvalidCatalogNameError,), "Create the database, or name another one in `db`."),
    (
        (asyncpg.InsufficientPrivilegeError,),
        "Let the user create and own the tables, or name a schema of theirs in `namespace`.",
    ),
    ((asyncpg.LockNotAvailableError, TimeoutError), "Others have been busy with it; try again."),
    ((asyncpg.DiskFullError,), "The server's disk is full."),
)


class DatabaseUnusable(LlamaStackError):
    """The database cannot be used; the text names it, the reason and the way out."""

    status_code = httpx.codes.SERVICE_UNAVAILABLE

    def __init__(self, address: str, reason: str, advice: str) -> None:
        super().__init__(f"Vector store database {address}: {reason}. {advice}")


def named(error: BaseException, address: str) -> DatabaseUnusable:
    """Turn an error that names no database into one that does, with advice."""
    for kinds, advice in _ADVICE:
        if isinstance(error, kinds):
            return DatabaseUnusable(address, str(error) or type(error).__name__, advice)
    return DatabaseUnusable(
        address, str(error) or type(error).__name__, "See that the server is up and can be reached."
    )
