"""What the doctor says of MCP servers."""

import json
from pathlib import Path

from lightspeed_core.cli.doctor.examination import examine
from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.cli.doctor.mcp_servers import check_mcp_servers
from tests.support.doctor import NO_USER_DATA, examined_configuration
from tests.support.mcp_server import Fault, mcp_server
from tests.support.service import free_port


async def test_each_server_is_asked_for_its_tools(tmp_path: Path) -> None:
    with mcp_server() as server:
        configuration = examined_configuration(
            tmp_path,
            "mcp_servers: "
            + json.dumps(
                [
                    {"name": "good", "url": server.url},
                    {"name": "gone", "url": f"http://127.0.0.1:{free_port()}/mcp"},
                    {"name": "shut", "url": server.raw(Fault.UNAUTHORIZED)},
                    {
                        "name": "personal",
                        "url": server.url,
                        "authorization_headers": {"Authorization": "client"},
                    },
                ]
            )
            + "\n"
            + NO_USER_DATA,
        )
        good, gone, shut, personal = await check_mcp_servers(configuration)
        examined = await examine(configuration, {})
    assert (good.severity, good.what) == (Severity.OK, "good answers and lists 8 tools")
    assert gone.severity is Severity.WARNING
    assert gone.what.startswith("gone: it cannot be connected to")
    assert (shut.severity, shut.what) == (Severity.WARNING, "shut asks for credentials")
    assert (personal.severity, personal.where) == (Severity.OK, "mcp_servers, 'personal'")
    assert good.what in {finding.what for finding in examined if finding.check == "mcp"}
