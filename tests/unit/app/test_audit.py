"""The audit as the configuration asks for it."""

import asyncio
from pathlib import Path

import pytest

from lightspeed_core.app.audit import chain_of, open_trail, seal_of
from lightspeed_core.audit.trail import NoTrail
from lightspeed_core.audit.verify import verify_directory
from lightspeed_core.config.audit import AuditConfiguration
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.observability.metrics import Metrics
from tests.support.audit import DECISION, files_of, records_of


async def record_one(section: AuditConfiguration) -> None:
    async with asyncio.TaskGroup() as group:
        async with open_trail(section, Metrics(), group) as trail:
            trail.record(DECISION)
        raise asyncio.CancelledError


async def test_decisions_are_stored_where_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    directory = tmp_path / "deep" / "audit"
    section = AuditConfiguration(directory=directory, key_path=tmp_path / "key", log=False)
    with pytest.raises(asyncio.CancelledError):
        await record_one(section)
    assert records_of(files_of(directory))[-1]["user"] == "ann"
    assert verify_directory(directory, seal_of(tmp_path / "key")).flaw is None


async def test_without_log_and_directory_nothing_is_taken() -> None:
    section = AuditConfiguration(log=False)
    async with (
        asyncio.TaskGroup() as group,
        open_trail(section, Metrics(), group) as trail,
    ):
        assert isinstance(trail, NoTrail)


def test_a_directory_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"audit\.directory: .*/file/x cannot be written"):
        chain_of(AuditConfiguration(directory=tmp_path / "file" / "x"))


def test_a_chain_is_not_gone_on_with_in_another_way(tmp_path: Path) -> None:
    chain = chain_of(AuditConfiguration(directory=tmp_path / "audit"))
    assert chain is not None
    chain.append([])
    chain.append(['{"time":"2025-11-21T12:00:00.250Z"}'])
    (tmp_path / "key").write_text("secret")
    keyed = AuditConfiguration(directory=tmp_path / "audit", key_path=tmp_path / "key")
    with pytest.raises(ConfigurationError, match="holds a chain made with sha256"):
        chain_of(keyed)


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), (" \n", "is empty")])
def test_a_key_that_cannot_be_used_is_refused(
    tmp_path: Path, content: str | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigurationError, match=rf"audit\.key_path: .*key {says}"):
        seal_of(tmp_path / "key")


@pytest.mark.parametrize(
    "keys", [{"key_path": "k"}, {"retention_days": 3}, {"on_failure": "refuse"}], ids=str
)
def test_settings_of_the_chain_need_its_directory(keys: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs directory"):
        AuditConfiguration.model_validate(keys)
