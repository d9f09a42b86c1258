"""Boots Llama Stack in a process of its own and writes down what became of it.

`python -m tests.support.boot_script REPORT < PLAN`: PLAN is JSON, a list of boots one after the
other, each with `run_config`, `data_dir`, and optionally `relies_on` (resource, name, place),
`ask` (a model) and `environ`. Nothing may appear on standard output; the report goes to a file.
"""

import asyncio
import json
import logging
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.engine.llama_stack.factory import create_engine
from lightspeed_core.engine.llama_stack.settings import EngineSettings, Reliance, Resource
from lightspeed_core.engine.types import ChatRequest
from lightspeed_core.errors import LightspeedError

TICK_SECONDS = 0.01
# A thread that was told to end needs a moment.
ENDING_SECONDS = 5


class Kept(logging.Handler):
    """Keeps what is logged, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name} {record.getMessage()}")


def block_network() -> None:
    """Refuse every connection and every look-up, as a machine without a route does."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError("there is no network")

    socket.socket.connect = refuse
    socket.getaddrinfo = refuse


async def boot(plan: dict[str, Any]) -> dict[str, Any]:
    """Boot, ask, close."""
    os.environ.update(plan.get("environ", {}))
    for name in plan.get("unset", []):
        os.environ.pop(name, None)
    settings = EngineSettings(
        run_config=Path(plan["run_config"]),
        data_dir=Path(plan["data_dir"]),
        relies_on=tuple(
            Reliance(resource=Resource(resource), name=name, place=place)
            for resource, name, place in plan.get("relies_on", [])
        ),
    )
    engine = create_engine(settings)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(TICK_SECONDS)
            ticks += 1

    ticking = asyncio.ensure_future(tick())
    try:
        await engine.start()
    except LightspeedError as exc:
        return {"error": type(exc).__name__, "cause": exc.cause}
    finally:
        ticking.cancel()
        await asyncio.wait([ticking])
    try:
        report: dict[str, Any] = {
            "ticks": ticks,
            "models": [each.identifier for each in await engine.models()],
            "stores": [each.store_id for each in await engine.vector_stores()],
        }
        if "ask" in plan:
            message = Message(role=Role.USER, content="hello")
            request = ChatRequest(model=plan["ask"], messages=(message,))
            tokens = [token async for delta in engine.chat(request) for token in delta.tokens]
            report["answer"] = "".join(tokens)
    finally:
        await engine.close()
    return report


def _threads() -> list[str]:
    # The loop's own pool ends with the loop.
    return [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.name.startswith("asyncio_")
    ]


async def run(plans: list[dict[str, Any]], kept: Kept) -> dict[str, Any]:
    """Make all boots and look at what is left over."""
    root = logging.getLogger()
    ours = logging.getLogger("lightspeed_core.test")
    ours.setLevel(logging.DEBUG)
    boots = [await boot(plan) for plan in plans]
    logging.getLogger("llama_stack.core.stack").warning("a warning of the stack")
    tasks = [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    until = time.monotonic() + ENDING_SECONDS
    while (threads := _threads()) and time.monotonic() < until:
        await asyncio.sleep(TICK_SECONDS)
    return {
        "boots": boots,
        "tasks": tasks,
        "threads": threads,
        "handlers": [type(handler).__name__ for handler in root.handlers],
        "root_level": root.level,
        "our_level": ours.level,
        "logged": kept.lines,
    }


def main() -> None:
    """Read the plan, write the report."""
    document = json.load(sys.stdin)
    kept = Kept()
    if document.get("bare_logging"):
        logging.getLogger("lightspeed_core").addHandler(kept)
    else:
        logging.basicConfig(level=logging.INFO, handlers=[kept])
    if document.get("block_network"):
        block_network()
    report = asyncio.run(run(document["boots"], kept))
    Path(sys.argv[1]).write_text(json.dumps(report))


if __name__ == "__main__":
    main()
