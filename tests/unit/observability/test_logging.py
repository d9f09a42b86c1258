"""The log: one line a record, with level, logger and request id."""

import io
import logging
import re
import sys
from collections.abc import Iterator

import pytest

from lightspeed_core.observability.logging import configure_logging, level_of, request_id

logger = logging.getLogger("lightspeed_core.somewhere")


@pytest.fixture(autouse=True)
def kept_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_a_record_is_one_line_with_utc_time_level_and_logger() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    logger.info("turn recorded turn_id=%s", "t1")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO lightspeed_core\.somewhere: "
        r"turn recorded turn_id=t1\n",
        stream.getvalue(),
    )


def test_the_request_id_of_the_context_is_added() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    token = request_id.set("r-1")
    try:
        logger.info("within")
    finally:
        request_id.reset(token)
    logger.info("outside")
    within, outside = stream.getvalue().splitlines()
    assert within.endswith("within request_id=r-1")
    assert outside.endswith("outside")


def test_a_message_cannot_forge_a_line_or_colour() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    logger.info("path=%s", "/a\r\n2026 INFO forged\x1b[31m\u2028")
    assert len(stream.getvalue().splitlines()) == 1
    assert r"/a\r\n2026 INFO forged\x1b[31m\u2028" in stream.getvalue()


def test_a_traceback_follows_its_line() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        logger.exception("sum failed")
    assert "sum failed\nTraceback (most recent call last):\n" in stream.getvalue()


def test_setting_up_again_does_not_double_the_lines() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    configure_logging(stream=stream)
    logger.info("once")
    assert stream.getvalue().count("once") == 1


def test_the_level_is_taken_in_any_case() -> None:
    stream = io.StringIO()
    configure_logging("debug", stream=stream)
    logger.debug("detail")
    assert "DEBUG lightspeed_core.somewhere: detail" in stream.getvalue()


@pytest.mark.requirement("log.level")
def test_an_unknown_level_means_info_and_a_warning() -> None:
    stream = io.StringIO()
    configure_logging("LOUD", stream=stream)
    logger.debug("detail")
    logger.info("fact")
    assert "level=LOUD used=INFO" in stream.getvalue()
    assert "detail" not in stream.getvalue()
    assert "fact" in stream.getvalue()


def test_the_servers_own_loggers_write_the_same_lines() -> None:
    stream = io.StringIO()
    server = logging.getLogger("uvicorn.error")
    server.addHandler(logging.StreamHandler(sys.stdout))
    server.propagate = False
    configure_logging(stream=stream)
    server.info("Started", extra={"color_message": "\x1b[1mStarted"})
    assert stream.getvalue().endswith("INFO uvicorn.error: Started\n")


def test_a_line_for_every_call_of_a_library_is_left_out() -> None:
    stream = io.StringIO()
    configure_logging("INFO", stream=stream)
    logging.getLogger("httpx").info("HTTP Request: GET …")
    assert not stream.getvalue()


def test_a_terminal_gets_colours_when_they_are_wanted() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    coloured, plain = Terminal(), Terminal()
    configure_logging(stream=coloured)
    logger.warning("careful")
    configure_logging(stream=plain, is_colored=False)
    logger.warning("careful")
    assert coloured.getvalue().startswith("\x1b[33m")
    assert coloured.getvalue().endswith("careful\x1b[0m\n")
    assert "\x1b" not in plain.getvalue()


@pytest.mark.requirement("log.level")
def test_the_environment_may_name_the_level() -> None:
    assert level_of({"LIGHTSPEED_STACK_LOG_LEVEL": "DEBUG"}) == "DEBUG"
    assert level_of({"LIGHTSPEED_STACK_LOG_LEVEL": ""}) == level_of({}) == "INFO"


def test_the_server_writes_no_requests_of_its_own() -> None:
    configure_logging(stream=io.StringIO())
    assert not logging.getLogger("uvicorn.access").hasHandlers()
