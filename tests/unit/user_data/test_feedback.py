import json
import re
from pathlib import Path

import pytest

from lightspeed_core.errors import Forbidden, InvalidRequest, NotFound, StorageFailed
from lightspeed_core.user_data.feedback import Feedback
from tests.support.assistants import caller
from tests.support.feedback import a_collector

ID = "123e4567-e89b-42d3-a456-426614174000"
FEEDBACK = Feedback(
    conversation_id=ID, user_question="foo", llm_response="bar", categories=("incorrect",)
)
OWNERS = {ID: "ann"}


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_feedback_is_one_file_with_the_user_in_clear_and_null_for_what_is_absent(
    tmp_path: Path,
) -> None:
    collector = a_collector(tmp_path / "feedback", owners=OWNERS)

    await collector.receive(FEEDBACK, caller("ann"))

    (file,) = files_in(tmp_path / "feedback")
    assert re.fullmatch(r"[0-9a-f-]{14}4[0-9a-f-]{21}\.json", file.name)
    stored = json.loads(file.read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00:00", stored["timestamp"])
    assert list(stored.items()) == [
        ("user_id", "ann"),
        ("timestamp", stored["timestamp"]),
        ("conversation_id", ID),
        ("user_question", "foo"),
        ("llm_response", "bar"),
        ("sentiment", None),
        ("user_feedback", None),
        ("categories", ["incorrect"]),
    ]


async def test_feedback_on_what_is_not_ones_own_is_refused(tmp_path: Path) -> None:
    collector = a_collector(tmp_path, owners=OWNERS)

    with pytest.raises(Forbidden, match=f"ben does not have permission to submit .* ID {ID}"):
        await collector.receive(FEEDBACK, caller("ben"))
    with pytest.raises(NotFound, match="Conversation not found"):
        await a_collector(tmp_path).receive(FEEDBACK, caller("ann"))

    assert files_in(tmp_path) == []


async def test_a_failing_disk_is_counted_and_named(tmp_path: Path) -> None:
    directory = tmp_path / "feedback"
    directory.write_text("a file where a directory should be")
    failures: list[None] = []
    collector = a_collector(directory, owners=OWNERS, failures=failures)

    with pytest.raises(StorageFailed, match="The file of the feedback could not be written"):
        await collector.receive(FEEDBACK, caller("ann"))

    assert len(failures) == 1


async def test_without_a_directory_feedback_is_off_and_stays_off() -> None:
    collector = a_collector(None, owners=OWNERS)

    assert not await collector.is_enabled()
    with pytest.raises(InvalidRequest, match="feedback_storage is not set"):
        await collector.set_enabled(caller("ann"), enabled=True)
    change = await collector.set_enabled(caller("ann"), enabled=False)
    assert (change.previous, change.updated) == (False, False)
    with pytest.raises(Forbidden, match="Storing feedback is disabled"):
        await collector.require_enabled()
    with pytest.raises(Forbidden, match="Storing feedback is disabled"):
        await collector.receive(FEEDBACK, caller("ann"))


async def test_a_change_says_what_was_before(tmp_path: Path) -> None:
    collector = a_collector(tmp_path)

    change = await collector.set_enabled(caller("ann"), enabled=False)

    assert (change.previous, change.updated) == (True, False)
    assert change.at.utcoffset() is not None
    assert not await collector.is_enabled()
