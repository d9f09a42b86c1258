"""Constructs and initializes the library client; imported in a thread, run on the loop."""

import importlib
import os
import re
import warnings
from collections.abc import Iterator
from typing import Any

from llama_stack.core.distribution import get_provider_registry
from llama_stack.core.library_client import AsyncLlamaStackAsLibraryClient
from llama_stack.core.routing_tables.models import ModelsRoutingTable
from llama_stack.core.storage.kvstore.kvstore import shutdown_kvstore_backends
from llama_stack.core.storage.sqlstore.sqlstore import shutdown_sqlstore_backends
from llama_stack_api import Api

from lightspeed_core.engine.llama_stack.in_process import InProcessStack
from lightspeed_core.engine.llama_stack.logs import kept_logging
from lightspeed_core.engine.llama_stack.records import write_plain_records
from lightspeed_core.engine.llama_stack.redirects import report_redirects
from lightspeed_core.engine.llama_stack.run_config import DISABLED, RunConfig, expand

_WHOLE_SUBSTITUTION = re.compile(r"\$\{env\.([A-Z0-9_]+)(?::=[^}]*)?\}")
_SECRET_WORDS = ("api_key", "api_token", "password", "secret", "token")

# What the stack imports while it initializes, on the loop, if nobody has done so before.
_LATE_IMPORTS = (
    "httpcore",
    "llama_stack.core.routers.inference",
    "llama_stack.core.routers.safety",
    "llama_stack.core.routers.vector_io",
    "llama_stack.core.routing_tables.shields",
    "llama_stack.core.routing_tables.vector_stores",
    "llama_stack.core.storage.kvstore.sqlite",
    "llama_stack.core.storage.sqlstore.sqlalchemy_sqlstore",
)


def preload(run_config: RunConfig) -> None:
    """Import what the boot will need; runs in a thread, so that the loop is not stopped.

    The stack's own providers are bound to their addresses before they ask the first time.
    """
    for module in _LATE_IMPORTS:
        importlib.import_module(module)
    get_provider_registry()
    report_redirects()
    for module in run_config.modules():
        importlib.import_module(f"{module}.provider")
        importlib.import_module(module)


async def open_stack(run_config: RunConfig) -> InProcessStack:
    """Build the client on the running loop and initialize it; a failure leaves nothing open."""
    write_plain_records()
    with kept_logging(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client = AsyncLlamaStackAsLibraryClient(str(run_config.path))
    write_plain_records()
    keep_secrets_as_text(client.config, run_config)
    # A set of the class: a second stack in this process would not list its providers' models.
    ModelsRoutingTable.listed_providers = set()
    try:
        await client.initialize()
    except BaseException:
        # Its own shutdown fails before anything was initialized and leaves threads running.
        await shutdown_kvstore_backends()
        await shutdown_sqlstore_backends()
        raise
    keep_no_completions(client)
    return InProcessStack(client)


def keep_no_completions(client: AsyncLlamaStackAsLibraryClient) -> None:
    """Let the stack keep no copy of what its shields ask models.

    Deleting a conversation would not delete it, and it is written by tasks that nobody awaits,
    which open the database again when it has been closed.
    """
    router = (client.impls or {}).get(Api.inference)
    if router is not None:
        router.store = None


def keep_secrets_as_text(config: Any, run_config: RunConfig) -> None:
    """Undo the retyping of substituted secrets: a key of digits is no number.

    Only the environment's own text will do, since `0123` was read as 123 and `true` as a boolean.
    """
    for api, providers in config.providers.items():
        written = [
            entry
            for entry in run_config.content["providers"][api] or ()
            if expand(str(entry["provider_id"] or ""), os.environ) != DISABLED
        ]
        for provider, entry in zip(providers, written, strict=True):
            provider.config.update(_secret_texts(entry.get("config") or {}))


def _secret_texts(raw: Any) -> Iterator[tuple[str, str]]:
    for key, value in raw.items():
        match = _WHOLE_SUBSTITUTION.fullmatch(value) if isinstance(value, str) else None
        text = os.environ.get(match.group(1)) if match else None
        if text and any(word in key for word in _SECRET_WORDS):
            yield key, text
