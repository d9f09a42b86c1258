"""The audit of a started service: lines in the log and in the chain, two workers, a lost disk."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.audit.chain import Seal
from lightspeed_core.audit.verify import Verdict, verify_directory
from lightspeed_core.constants import DEFAULT_USER_ID
from tests.support.audit import DAY, Clock, a_chain, decisions, files_of, records_of
from tests.support.operations import UNKNOWN_ID, WITHOUT_STORE
from tests.support.service import Service, running_service

WORD = "pomegranate"
TOKEN = "s3cr3t-t0k3n"
LINE = re.compile(r"lightspeed_core\.audit: (\{.*\})")
KEY = b"under the doormat"


def configure(folder: Path, audit: str, *, workers: int = 1) -> Path:
    file = folder / "lcs.yaml"
    file.write_text(
        f"""\
name: audit
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", workers: {workers}}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
knowledge: {{product_docs: false}}
audit: {{directory: {folder}/audit{audit}}}
"""
    )
    return file


def verdict_of(folder: Path, seal: Seal | None = None) -> Verdict:
    return verify_directory(folder / "audit", seal or Seal())


def wait_for_records(folder: Path, count: int) -> list[dict[str, Any]]:
    until = time.monotonic() + 5
    while True:
        found = [record for record in records_of(files_of(folder / "audit")) if "user" in record]
        if len(found) >= count or time.monotonic() > until:
            return found
        time.sleep(0.02)


def ask_everything(service: Service) -> None:
    asked: dict[str, Any] = {}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with service.client() as client:
        for number in range(20):
            asked = WITHOUT_STORE | {"query": f"{WORD} {number}"}
            client.post(f"/v1/query?user_id=ann&x={WORD}", json=asked, headers=headers)
        client.post("/v1/streaming_query?user_id=ann", json=asked, headers=headers)
        [mine] = client.get("/v1/conversations?user_id=ann&limit=1").json()["conversations"]
        path = f"/v1/conversations/{mine['conversation_id']}"
        assert client.get(f"{path}?user_id=bob").status_code == 403
        assert client.delete(f"{path}?user_id=ann").status_code == 200
        assert client.get(f"/v1/conversations/{UNKNOWN_ID}").status_code == 404
        assert client.get("/v1/models?user_id=").status_code == 400


@pytest.mark.requirement("audit.lines")
@pytest.mark.requirement("audit.silence")
def test_two_workers_write_one_chain_of_what_was_asked(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    config = configure(tmp_path, f", key_path: {tmp_path}/key", workers=2)
    with running_service(tmp_path / "data", config=config) as service:
        service.wait_until_ready()
        ask_everything(service)
        written = wait_for_records(tmp_path, 26)
        assert service.terminate() in {0, -signal.SIGTERM}
        log = service.output()

    assert verdict_of(tmp_path, Seal(KEY)).flaw is None
    told = [(record["user"], record["outcome"], record["status"]) for record in written]
    # 20 questions, a stream, a list, and a deletion; what was refused; what was not there.
    assert sorted(told, key=str) == sorted(
        [
            *[("ann", "allowed", 200)] * 23,
            ("bob", "denied", 403),
            (DEFAULT_USER_ID, "failed", 404),
            (None, "denied", 400),
        ],
        key=str,
    )
    refused = next(record for record in written if record["status"] == 403)
    assert refused["resource"]["owner"] == "ann"
    in_log = [json.loads(line) for line in LINE.findall(log)]
    chained = [
        {key: value for key, value in record.items() if key not in {"seq", "previous", "hash"}}
        for record in written
    ]
    assert sorted(in_log, key=str) == sorted(chained, key=str)
    for text in (str(written), "".join(LINE.findall(log))):
        assert WORD not in text
        assert TOKEN not in text


@pytest.mark.requirement("audit.retention")
def test_a_killed_service_goes_on_with_the_chain_and_drops_what_is_old(tmp_path: Path) -> None:
    clock = Clock(time.time() - 9 * DAY)
    chain = a_chain(tmp_path / "audit", clock)
    for _ in range(2):
        chain.append(decisions(3))
        clock.now += DAY
    config = configure(tmp_path, ", retention_days: 7")
    with running_service(tmp_path / "data", config=config) as service:
        service.wait_until_ready()
        assert service.has_logged("audit files were deleted by age count=1")
        with service.client() as client:
            assert client.get("/v1/models").status_code == 200
        wait_for_records(tmp_path, 4)
        service.kill()
    with files_of(tmp_path / "audit")[-1].open("ab") as file:
        file.write(b'{"seq":')
    with running_service(tmp_path / "data", config=config) as service:
        service.wait_until_ready()
        with service.client() as client:
            assert client.get("/v1/models").status_code == 200
        wait_for_records(tmp_path, 5)
        assert service.terminate() in {0, -signal.SIGTERM}

    verdict = verdict_of(tmp_path)
    assert verdict.flaw is None
    assert "records up to 4 expired, as a record says" in verdict.notes
    assert "1 times a line was cut off that a process had not finished" in verdict.notes


@pytest.mark.requirement("audit.failure")
@pytest.mark.parametrize("on_failure", ["continue", "refuse"])
def test_a_lost_disk_is_told_and_stops_what_must_be_written_down_alone(
    tmp_path: Path, on_failure: str
) -> None:
    """Taking the directory away stands for a disk that is gone, for root may write anywhere."""
    config = configure(tmp_path, f", on_failure: {on_failure}")
    away = tmp_path / "away"
    with running_service(tmp_path / "data", config=config) as service, service.client() as client:
        service.wait_until_ready()
        assert client.get("/v1/models").status_code == 200
        wait_for_records(tmp_path, 1)
        shutil.move(tmp_path / "audit", away)
        assert client.get("/v1/models").status_code == 200
        assert service.has_logged("decisions were not stored, and are held cause=[Errno 2]")

        answer = client.get("/v1/models")
        if on_failure == "refuse":
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert "cannot be recorded" in answer.text
        else:
            assert answer.status_code == 200
        assert client.get("/liveness").status_code == 200

        shutil.move(away, tmp_path / "audit")
        assert service.has_logged("decisions are stored again")
        assert client.get("/v1/models").status_code == 200
        written = wait_for_records(tmp_path, 4)
        assert [record["status"] for record in written][:2] == [200, 200]
        assert verdict_of(tmp_path).flaw is None
        os.kill(service.process.pid, signal.SIGTERM)
