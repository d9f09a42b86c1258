"""Says in an operator's words why a boot failed: which provider, which package, which key."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from lightspeed_core.engine.llama_stack.failures import translate
from lightspeed_core.engine.llama_stack.run_config import RunConfig
from lightspeed_core.errors import ConfigurationError, EngineUnavailable, LightspeedError


def explain_boot_failure(exc: Exception, run_config: RunConfig) -> LightspeedError:
    """Name the cause: `EngineUnavailable` for what may heal, else `ConfigurationError`."""
    provider = _provider_at_work(exc)
    subject = f"provider '{provider}': " if provider else ""
    missing = _missing_module(exc)
    if missing is not None:
        named = provider or _provider_of_module(missing, run_config)
        subject = f"provider '{named}': " if named else ""
        return ConfigurationError(
            f"{run_config.path}: {subject}the Python package '{missing}' is not installed"
        )
    if _is_unreachable(exc):
        return EngineUnavailable(f"{run_config.path}: {subject}{_text(exc)}")
    return ConfigurationError(f"{run_config.path}: {subject}{_text(exc)}")


def _is_unreachable(exc: BaseException | None) -> bool:
    """Say whether a failed connection is at the bottom of it."""
    while isinstance(exc, Exception):
        if isinstance(translate(exc), EngineUnavailable):
            return True
        exc = exc.__cause__
    return False


def _missing_module(exc: BaseException) -> str | None:
    for each in _chain(exc):
        if isinstance(each, ModuleNotFoundError) and each.name:
            return each.name
    return None


def _provider_of_module(missing: str, run_config: RunConfig) -> str | None:
    for _, entry in run_config.entries():
        module = str(entry.get("module") or "")
        if module and (module.startswith(missing) or missing.startswith(module)):
            return str(entry["provider_id"])
    return None


def _provider_at_work(exc: BaseException) -> str | None:
    """Find the provider that the stack was instantiating, in the frames of the traceback."""
    for each in _chain(exc):
        for local in _locals_named("provider", each.__traceback__):
            provider_id = getattr(local, "provider_id", None)
            if isinstance(provider_id, str):
                return provider_id
    return None


def _locals_named(name: str, traceback: TracebackType | None) -> Iterator[Any]:
    while traceback is not None:
        if name in traceback.tb_frame.f_locals:
            yield traceback.tb_frame.f_locals[name]
        traceback = traceback.tb_next


def _chain(exc: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = exc
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _text(exc: Exception) -> str:
    if not isinstance(exc, ValidationError):
        return str(exc) or type(exc).__name__
    # Places and reasons, never the values, which may be secrets.
    found = exc.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)
