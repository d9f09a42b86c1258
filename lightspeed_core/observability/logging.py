"""The log of the process: one line a record on stderr, with the id of the request.

It reads no environment; whoever starts the process hands over what it says.
"""

import logging
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, TextIO, override

from lightspeed_core.observability.secrets import mask_secrets

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")

DEFAULT_LEVEL: Final = "INFO"
# One line each for every call, which says nothing that ours do not say.
_TALKATIVE: Final = ("httpx", "httpcore", "aiosqlite", "openai", "faiss.loader", "alembic")
_ROUTED: Final = ("uvicorn", "uvicorn.error", "uvicorn.asgi")
# It would write every request a second time, and without anybody to hear it writes none.
_UNHEARD: Final = "uvicorn.access"
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    0x0A: "\\n",
    0x0D: "\\r",
    0x09: "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_COLORS: Final = {
    logging.DEBUG: "\x1b[2m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_PLAIN: Final = "\x1b[0m"

logger = logging.getLogger(__name__)


class LineFormatter(logging.Formatter):
    """Writes UTC time, level, logger, message and request id; no message can forge a line."""

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, *, is_colored: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._is_colored = is_colored

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Write a record; errors of others may quote keys."""
        return mask_secrets(super().format(record))

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        """Write the record's line, which a traceback may follow."""
        record.message = record.message.translate(_CONTROL)
        line = super().formatMessage(record)
        if current := request_id.get():
            line = f"{line} request_id={current}"
        color = _COLORS.get(record.levelno) if self._is_colored else None
        return f"{color}{line}{_PLAIN}" if color else line


def level_of(environ: Mapping[str, str]) -> str:
    """Return the level that the environment asks for."""
    return environ.get("LIGHTSPEED_STACK_LOG_LEVEL") or DEFAULT_LEVEL


def configure_logging(
    level: str = DEFAULT_LEVEL, *, stream: TextIO | None = None, is_colored: bool = True
) -> None:
    """Send every record of the process to one stream, stderr unless another is given.

    May be called again; the last call counts. A level that does not exist means INFO, with a
    warning. Colours are for terminals only.
    """
    target: TextIO = stream or sys.stderr
    known = level.strip().upper() in logging.getLevelNamesMapping()
    number = logging.getLevelNamesMapping()[level.strip().upper() if known else DEFAULT_LEVEL]
    handler = logging.StreamHandler(target)
    handler.setFormatter(LineFormatter(is_colored=is_colored and target.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for name in _ROUTED:
        routed = logging.getLogger(name)
        routed.handlers, routed.propagate = [], True
        routed.setLevel(logging.NOTSET)
    unheard = logging.getLogger(_UNHEARD)
    unheard.handlers, unheard.propagate = [], False
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)
    if not known:
        logger.warning("log level was not known level=%s used=%s", level, DEFAULT_LEVEL)
