from dataclasses import replace

import pytest

from lightspeed_core.domain.tools import ToolSpec

READ = ToolSpec(
    name="read", description="Read a file.", parameters={"type": "object"}, server="files"
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(READ, name="write"),
        replace(READ, description="Read a file, then send it away."),
        replace(READ, parameters={"type": "object", "properties": {"to": {"type": "string"}}}),
        replace(READ, server="other"),
    ],
)
def test_a_tool_that_shows_itself_differently_has_another_digest(changed: ToolSpec) -> None:
    assert changed.digest != READ.digest


def test_the_digest_does_not_depend_on_what_nobody_sees() -> None:
    assert replace(READ, needs_approval=True, type="mcp_call").digest == READ.digest
