"""Keeps the service's logging as it is while Llama Stack takes over the process's.

Its constructor replaces the handlers of the root and of uvicorn and sets the level of every logger,
and one of its packages configures the root as soon as it is imported.
"""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

STACK_LOGGERS = ("llama_stack", "llama_stack_api")


@dataclass(frozen=True, slots=True)
class _State:
    level: int
    handlers: list[logging.Handler]
    filters: list[Any]
    propagate: bool
    disabled: bool


@contextmanager
def kept_logging() -> Generator[None]:
    """Put every logger back as it was, Llama Stack's own excepted, whose levels stay."""
    before = {name: _state_of(logger) for name, logger in _loggers()}
    try:
        yield
    finally:
        for name, logger in _loggers():
            if name in before:
                _put_back(logger, before[name])
            elif not name.startswith(STACK_LOGGERS):
                logger.handlers, logger.filters, logger.propagate = [], [], True


def _loggers() -> Iterator[tuple[str, logging.Logger]]:
    yield "", logging.getLogger()
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger):
            yield name, logger


def _state_of(logger: logging.Logger) -> _State:
    return _State(
        level=logger.level,
        handlers=list(logger.handlers),
        filters=list(logger.filters),
        propagate=logger.propagate,
        disabled=logger.disabled,
    )


def _put_back(logger: logging.Logger, state: _State) -> None:
    if not logger.name.startswith(STACK_LOGGERS):
        logger.setLevel(state.level)
    logger.handlers = list(state.handlers)
    logger.filters = list(state.filters)
    logger.propagate = state.propagate
    logger.disabled = state.disabled
