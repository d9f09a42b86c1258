"""What must be true of everything that is kept, once nobody works on it any more.

Rows against rows, turns against their journals, transcripts against turns, and all of it against
what a client was told.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, select

from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.assistant.journal import decode_events
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.tables import conversations, journal, turns
from lightspeed_core.db.database import Database
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.user_data.transcripts import hashed_user_id

NAME = "Named"
STOPPED = "\n\n*Response stopped by the user.*"

type Rows = Sequence[Mapping[str, Any]]


@dataclass
class Told:
    """What clients asked and were told.

    `answers` has the whole answer to each question that was asked, `deleting` the conversations
    whose deletion was, `used` each use of a tool, by its name and what it was used for; the rest is
    what the service said it had done.
    """

    answers: dict[str, str] = field(default_factory=dict[str, str])
    started: dict[str, str] = field(default_factory=dict[str, str])
    ended: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    named: set[str] = field(default_factory=set[str])
    deleting: set[str] = field(default_factory=set[str])
    deleted: set[str] = field(default_factory=set[str])
    rated: set[str] = field(default_factory=set[str])
    used: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def read(self, file: Path) -> None:
        """Take in what one client was told."""
        for line in file.read_text().splitlines():
            fields = json.loads(line)
            match fields:
                case {"asked": question, "answer": answer}:
                    self.answers[question] = answer
                case {"started": turn_id, "conversation_id": conversation_id}:
                    self.started[turn_id] = conversation_id
                case {"ended": turn_id, "state": state, "text": text}:
                    self.ended[turn_id] = (state, text)
                case {"used": tool, "for": wanted}:
                    self.used.append((tool, wanted))
                case {"named": conversation_id}:
                    self.named.add(conversation_id)
                case {"deleting": conversation_id}:
                    self.deleting.add(conversation_id)
                case {"deleted": conversation_id}:
                    self.deleted.add(conversation_id)
                case _:
                    pass


@dataclass(frozen=True)
class Kept:
    """All that is stored: rows, turns by id, and transcripts by turn."""

    conversations: Rows
    turns: Rows
    journal: Rows
    read: Mapping[str, Turn]
    transcripts: Mapping[str, Mapping[str, Any]]


async def read_kept(database: Database, store: SqlConversationStore, folder: Path) -> Kept:
    """Read everything; `folder` holds the transcripts."""

    def rows(connection: Connection) -> tuple[Rows, Rows, Rows]:
        return (
            _rows(connection, select(conversations)),
            _rows(connection, select(turns).order_by(turns.c.position)),
            _rows(connection, select(journal).order_by(journal.c.batch_index)),
        )

    found, of_turns, of_journal = await database.read(rows)
    read = [turn for row in found for turn in await store.history(row["conversation_id"])]
    return Kept(
        conversations=found,
        turns=of_turns,
        journal=of_journal,
        read={turn.turn_id: turn for turn in read},
        transcripts=read_files(folder),
    )


def _rows(connection: Connection, query: Select[Any]) -> Rows:
    return [{str(name): row[name] for name in row} for row in connection.execute(query).mappings()]


def read_files(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Read all JSON files below a folder, by their names."""
    return {file.stem: json.loads(file.read_bytes()) for file in folder.rglob("*.json")}


def check_kept(kept: Kept, told: Told) -> None:
    """Hold everything against everything, when every turn has ended."""
    check_rows(kept)
    check_journal(kept)
    check_transcripts(kept, told.deleting)
    check_answers(kept.read.values(), told.answers)
    check_promises(kept, told)
    check_uses(kept.read.values(), told.used)


def check_rows(kept: Kept) -> None:
    """Counts, positions, leases, and what lists show of the last turn."""
    positions = defaultdict[str, list[int]](list)
    ends = defaultdict[str, list[datetime]](list)
    for row in kept.turns:
        positions[row["conversation_id"]].append(row["position"])
        ends[row["conversation_id"]].append(row["completed_at"])
        assert row["lease_expires_at"] is None
        assert row["ended_at"] is not None
        assert TurnState(row["state"]).is_final
    assert set(kept.read) == {row["turn_id"] for row in kept.turns}
    for row in kept.conversations:
        count = row["message_count"]
        assert positions.pop(row["conversation_id"]) == list(range(1, count + 1))
        assert row["last_message_at"] == max(ends[row["conversation_id"]])
    assert not positions


def check_journal(kept: Kept) -> None:
    """A turn says what its journal says."""
    batches = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in kept.journal:
        batches[row["turn_id"]].append(row)
    assert batches.keys() <= kept.read.keys()
    for turn in kept.read.values():
        fold = TurnFold(turn)
        for index, row in enumerate(batches[turn.turn_id]):
            assert row["batch_index"] == index
            for event in decode_events(row["payload"]):
                fold.add(event)
        assert turn.text == fold.text
        told = fold.result(turn.state)
        assert (turn.rag_chunks, turn.warnings) == (told.rag_chunks, told.warnings)


def check_transcripts(kept: Kept, deleting: Iterable[str] = ()) -> None:
    """Each turn that did not fail has its transcript, and each transcript its turn."""
    gone = set(deleting)
    written = {
        turn_id: document
        for turn_id, document in kept.transcripts.items()
        if document["metadata"]["conversation_id"] not in gone
    }
    expected = {
        turn.turn_id: turn
        for turn in kept.read.values()
        if turn.state is not TurnState.FAILED and turn.conversation_id not in gone
    }
    assert written.keys() == expected.keys()
    for turn_id, turn in expected.items():
        document = written[turn_id]
        assert (document["redacted_query"], document["llm_response"]) == (turn.question, turn.text)
        assert document["metadata"]["conversation_id"] == turn.conversation_id
        assert document["metadata"]["user_id"] == hashed_user_id(turn.user_id)


def check_answers(stored: Iterable[Turn], answers: Mapping[str, str]) -> None:
    """An answer is whole, or it is marked and begins as the whole one does."""
    for turn in stored:
        whole = answers[turn.question]
        if turn.state is TurnState.COMPLETED:
            assert turn.text == whole
        else:
            assert whole.startswith(turn.text.removesuffix(STOPPED))


def check_uses(stored: Iterable[Turn], used: Sequence[tuple[str, str]]) -> None:
    """No tool was used twice for a call; one whose result is told was used."""
    assert len(used) == len(set(used))
    for turn in stored:
        wanted = {call.id: (call.name, call.arguments["room"]) for call in turn.tool_calls}
        told = [wanted[result.call_id] for result in turn.tool_results]
        assert set(told) <= set(used)
        if turn.state is TurnState.COMPLETED:
            assert sorted(told) == sorted(wanted.values())


def check_promises(kept: Kept, told: Told) -> None:
    """What a client was told is so."""
    for turn_id, (state, text) in told.ended.items():
        if turn_id in kept.read:
            turn = kept.read[turn_id]
            assert (turn.state, turn.text) == (state, text)
        else:
            assert told.started[turn_id] in told.deleting
    remaining = {row["conversation_id"]: row for row in kept.conversations}
    assert not told.deleted & remaining.keys()
    for conversation_id in told.named & remaining.keys():
        assert remaining[conversation_id]["topic_summary"] == NAME


def check_started(kept: Kept, told: Told) -> None:
    """A turn that began is there; so it is where several workers share a database."""
    lost = {told.started[turn_id] for turn_id in told.started.keys() - kept.read.keys()}
    assert lost <= told.deleting


def check_feedback(folder: Path, told: Told) -> None:
    """Each feedback that was taken is one file."""
    rated = [document["user_question"] for document in read_files(folder).values()]
    assert len(rated) == len(set(rated))
    assert told.rated <= set(rated) <= told.answers.keys()
