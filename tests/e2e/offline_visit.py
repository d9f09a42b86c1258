"""What a new user does on a machine without a network; prints what was answered as JSON.

Run as a program, so that it can be put into a network namespace of its own together with the
service that it starts.
"""

import json
import sys
from pathlib import Path

from tests.support.service import running_service

QUESTION = "Which environment variable changes the port on which the service listens?"


def visit(data: Path) -> dict[str, object]:
    """Start, ask, stop, start again and go on."""
    with running_service(data) as service:
        service.wait_until_ready()
        with service.client() as client:
            first = client.post("/v1/query", json={"query": QUESTION}).json()
        service.terminate()
    with running_service(data) as service:
        service.wait_until_ready()
        with service.client() as client:
            again = client.post(
                "/v1/query",
                json={"query": QUESTION, "conversation_id": first["conversation_id"]},
            ).json()
        service.terminate()
        return {"first": first, "again": again, "log": service.output()}


if __name__ == "__main__":
    json.dump(visit(Path(sys.argv[1])), sys.stdout)
