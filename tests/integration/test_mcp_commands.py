"""Servers that are commands: one that others publish, and one that never ends by itself."""

import sys
from pathlib import Path

import psutil
import pytest

from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.mcp.failures import McpFailed
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_core.mcp.servers import Command, ToolServer, Transport
from tests.integration.test_mcp_sessions import sessions, until
from tests.integration.test_mcp_turns import ask, call, will_call
from tests.support.public_mcp import CLOCK, public_server
from tests.support.whole import whole_service


@pytest.mark.requirement("mcp.commands")
@pytest.mark.requirement("mcp.public")
async def test_a_published_server_answers_in_a_turn(tmp_path: Path) -> None:
    program = str(public_server(*CLOCK))
    server = {"name": "clock", "command": program, "args": ["--local-timezone", "UTC"]}
    settings = {"allow_stdio": True, "connect_seconds": 60}
    async with whole_service(
        tmp_path, SqliteSettings(path=tmp_path / "db"), mcp_servers=[server], mcp=settings
    ) as service:
        wanted = {
            "source_timezone": "Asia/Tokyo",
            "time": "12:00",
            "target_timezone": "Asia/Kolkata",
        }
        will_call(service.engine, call("convert_time", **wanted))
        answer = await ask(service, "/v1/query")
        listed = (await service.client.get("/v1/tools")).json()["tools"]
    (result,) = answer["tool_results"]
    assert result["status"] == "success"
    assert "-3.5h" in result["content"]
    assert answer["warnings"] == []
    assert {tool["identifier"] for tool in listed} == {"get_current_time", "convert_time"}
    assert {tool["server_source"] for tool in listed} == {"stdio"}
    await until(lambda: not running(program))


def running(program: str) -> list[int]:
    return [
        process.pid
        for process in psutil.Process().children(recursive=True)
        if process.is_running()
        and process.status() != psutil.STATUS_ZOMBIE
        and program in process.cmdline()
    ]


async def test_a_command_that_says_nothing_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "silent.py"
    script.write_text("import signal, time\nsignal.signal(2, signal.SIG_IGN)\ntime.sleep(600)\n")
    command = Command(program=sys.executable, arguments=(str(script),))
    server = ToolServer(name="silent", transport=Transport.STDIO, command=command)
    async with sessions(McpLimits(connect=1.0, close=6.0)) as open_sessions:
        with pytest.raises(McpFailed, match="it did not answer within 1 s"):
            await open_sessions.open(server, {}, lambda: None)
        await until(lambda: not running(str(script)))


async def test_a_command_that_does_not_exist_is_told() -> None:
    command = Command(program="/nowhere/server")
    server = ToolServer(name="gone", transport=Transport.STDIO, command=command)
    async with sessions() as open_sessions:
        with pytest.raises(McpFailed, match="it did not start: No such file"):
            await open_sessions.open(server, {}, lambda: None)
