"""The service's logging survives a library that takes it over."""

import logging
from logging.config import dictConfig

from lightspeed_core.engine.llama_stack.logs import kept_logging


def take_over() -> None:
    """Do what the constructor of Llama Stack's client does."""
    console = {"class": "logging.StreamHandler"}
    taken = {"handlers": ["console"], "level": "INFO", "propagate": False}
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"console": console},
            "loggers": {"uvicorn": taken, "a.category": taken},
            "root": {"handlers": ["console"], "level": "WARNING"},
        }
    )
    for name in ("lightspeed_core.a", "llama_stack.a"):
        logging.getLogger(name).setLevel(logging.ERROR)


def test_handlers_and_levels_are_put_back():
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn")
    ours, theirs = logging.getLogger("lightspeed_core.a"), logging.getLogger("llama_stack.a")
    ours.setLevel(logging.DEBUG)
    before = [(list(each.handlers), each.level, each.propagate) for each in (root, uvicorn)]
    with kept_logging():
        take_over()
        assert ours.level == logging.ERROR
    after = [(list(each.handlers), each.level, each.propagate) for each in (root, uvicorn)]
    assert after == before
    assert ours.level == logging.DEBUG
    assert theirs.level == logging.ERROR


def test_loggers_that_it_made_pass_their_records_on():
    with kept_logging():
        take_over()
    category = logging.getLogger("a.category")
    assert category.handlers == []
    assert category.propagate
