"""Files of the chain go by age, and trouble with them is told."""

import logging
import time
from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.audit.chain import Seal
from lightspeed_core.audit.files import ChainFiles
from lightspeed_core.audit.retention import AuditRetention
from tests.support.audit import DAY, Clock, a_chain, decisions, files_of


@pytest.fixture
def chain(tmp_path: Path) -> ChainFiles:
    clock = Clock(time.time() - 5 * DAY)
    chain = a_chain(tmp_path / "audit", clock)
    for _ in range(4):
        chain.append(decisions(1))
        clock.now += DAY
    return chain


async def test_what_is_older_goes(
    chain: ChainFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await AuditRetention(chain, keep=timedelta(days=3, hours=12)).sweep()
    assert caplog.messages == ["audit files were deleted by age count=1"]
    assert files_of(tmp_path / "audit")[0].name == "audit-00000002.jsonl"


async def test_what_is_younger_stays(chain: ChainFiles, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await AuditRetention(chain, keep=timedelta(days=30)).sweep()
    assert caplog.messages == []


async def test_nothing_goes_where_the_chain_cannot_be_read(
    chain: ChainFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    second = files_of(tmp_path / "audit")[1]
    second.write_bytes(b"rubbish\n")
    await AuditRetention(chain, keep=timedelta(days=1)).sweep()
    await AuditRetention(ChainFiles(tmp_path / "no", Seal()), keep=timedelta(days=1)).sweep()
    assert [message.partition(" cause=")[0] for message in caplog.messages] == [
        "audit files were not deleted by age"
    ] * 2
    assert len(files_of(tmp_path / "audit")) == 4
