"""Measures what a full database costs: one user's twenty conversations, alone and among others.

Both services run side by side on databases that were filled in bulk, and are measured in turn.
"""

import asyncio
import json
import random
import sys
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, select, text

from lightspeed_core.conversations.tables import journal, turns
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
from tests.bench.processes import Meter, wait_for
from tests.bench.requests_plan import BARE, TOKENS, measured_load
from tests.bench.samples import Batch
from tests.bench.serving import service_settings, told_when_ended
from tests.support.collecting import database_section
from tests.support.filling import NOBODY, Past, bytes_of, fill
from tests.support.postgres import postgres_server
from tests.support.service import Service, running_service
from tests.support.stub_llm import stub_llm

USERS: Final = 1_000
OWNED: Final = 20
TURNS: Final = 10
READER: Final = "user-500"
ASKER: Final = "user-501"
WRITER: Final = "writer"
CALLERS: Final = 4
REQUESTS: Final = 240
# How many turns a conversation has before the one that is measured.
LENGTHS: Final = (0, 49, 200)
LONG_ONES: Final = 40
WARM_UP: Final = 40
ALONE: Final = "alone"
AMONG: Final = "among others"
_CONFIG: Final = """\
name: growth
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
knowledge: {{product_docs: false}}
database: {database}
"""

type Key = tuple[str, str]


@dataclass(frozen=True)
class Stored:
    """What one turn left in the database, on average."""

    rows: float
    bytes: float


@dataclass(frozen=True)
class Growth:
    """Batches by what was asked and by how full the database was, one a round.

    `turns` are the batches, and `stored` the traces, of a turn behind so many others.
    """

    requests: Mapping[Key, list[Batch]]
    turns: Mapping[int, list[Batch]]
    stored: Mapping[int, Stored]


@dataclass(frozen=True)
class Side:
    """A service on one of the two databases."""

    name: str
    service: Service
    meter: Meter


@dataclass(frozen=True)
class Crowd:
    """Who has held conversations: everybody with the same number of turns, and a few long ones."""

    everybody: Sequence[Past]
    long_ones: Mapping[int, Sequence[Past]]

    def ids_of(self, user_id: str) -> list[str]:
        """Return the conversations of a user."""
        return [past.conversation_id for past in self.everybody if past.user_id == user_id]

    def pasts(self, name: str) -> list[Past]:
        """Return what stands in one of the two databases."""
        if name == ALONE:
            return [past for past in self.everybody if past.user_id in (READER, ASKER)]
        return [*self.everybody, *chain.from_iterable(self.long_ones.values())]


def measure_growth(folder: Path, rounds: int) -> Mapping[str, Growth]:
    """Measure over each kind of database."""
    folder.mkdir(parents=True)
    files = {name: SqliteSettings(path=folder / f"{name}.db") for name in (ALONE, AMONG)}
    growths = {"SQLite": _measure(folder / "sqlite", files, rounds)}
    with postgres_server() as server:
        schemas = {name: server.settings() for name in (ALONE, AMONG)}
        growths["PostgreSQL"] = _measure(folder / "postgres", schemas, rounds)
    return growths


def _measure(folder: Path, databases: Mapping[str, DatabaseSettings], rounds: int) -> Growth:
    crowd = _crowd()
    requests: defaultdict[Key, list[Batch]] = defaultdict(list)
    turns_after: defaultdict[int, list[Batch]] = defaultdict(list)
    for name, settings in databases.items():
        asyncio.run(_fill(settings, crowd.pasts(name)))
    with ExitStack() as stack:
        stub = stack.enter_context(stub_llm("--tokens", str(TOKENS)))
        environment = service_settings(stub.base_url)
        sides = [
            stack.enter_context(_side(name, folder, settings, environment))
            for name, settings in databases.items()
        ]
        _measure_requests(sides, crowd, 0, defaultdict(list))
        for number in range(1, rounds + 1):
            _measure_requests(sides, crowd, number, requests)
            _measure_turns(sides[-1], crowd, turns_after)
            print(f"{folder.name}: round {number} of {rounds}", file=sys.stderr)
    return Growth(requests, turns_after, asyncio.run(_stored(databases[AMONG])))


def _crowd() -> Crowd:
    numbers = list(range(USERS * OWNED))
    random.Random(1).shuffle(numbers)
    everybody = [
        Past(
            conversation_id=str(uuid4()),
            user_id=f"user-{index % USERS}",
            turns=TURNS,
            number=number,
        )
        for index, number in enumerate(numbers)
    ]
    long_ones = {
        length: [
            Past(conversation_id=str(uuid4()), user_id=WRITER, turns=length)
            for _ in range(LONG_ONES)
        ]
        for length in LENGTHS[1:]
    }
    return Crowd(everybody, long_ones)


async def _fill(settings: DatabaseSettings, pasts: Iterable[Past]) -> None:
    database = Database(settings)
    async with database:
        await fill(database, pasts)
        if database.dialect == "postgresql":
            # What the server does by itself a minute after it was filled.
            await database.writer.call(lambda connection: connection.execute(text("ANALYZE")))


@contextmanager
def _side(
    name: str, folder: Path, settings: DatabaseSettings, environment: Mapping[str, str]
) -> Generator[Side]:
    directory = folder / name.replace(" ", "-")
    directory.mkdir(parents=True)
    config = directory / "lcs.yaml"
    config.write_text(_CONFIG.format(database=json.dumps(database_section(settings))))
    data = directory / "data"
    with (
        running_service(data, environment=environment, config=config) as service,
        told_when_ended(service),
    ):
        wait_for(service.port, "/readiness")
        meter = Meter(service.process.pid)
        meter.settle()
        yield Side(name, service, meter)


def _requests(crowd: Crowd) -> Iterator[tuple[str, str, Sequence[Mapping[str, Any]]]]:
    """Yield what is asked: its name, address and bodies."""
    first = crowd.ids_of(READER)[0]
    going_on = [{**BARE, "conversation_id": each} for each in crowd.ids_of(ASKER)]
    yield "list, `GET /v1/conversations`", f"/v1/conversations?user_id={READER}", []
    yield "list, `GET /v2/conversations`", f"/v2/conversations?user_id={READER}", []
    yield "get, 10 turns", f"/v1/conversations/{first}?user_id={READER}", []
    yield "turn of a new conversation", f"/v1/query?user_id={ASKER}", [BARE]
    yield "turn of one that goes on", f"/v1/query?user_id={ASKER}", going_on


def _measure_requests(
    sides: Sequence[Side], crowd: Crowd, number: int, results: defaultdict[Key, list[Batch]]
) -> None:
    # The first to be measured changes from round to round; round 0 warms up.
    in_turn = sides if number % 2 else sides[::-1]
    for name, address, bodies in _requests(crowd):
        for side in in_turn:
            batch = measured_load(
                side.service.url + address,
                bodies,
                side.meter,
                callers=CALLERS,
                requests=REQUESTS if number else WARM_UP,
            )
            results[name, side.name].append(batch)


def _measure_turns(side: Side, crowd: Crowd, results: defaultdict[int, list[Batch]]) -> None:
    url = f"{side.service.url}/v1/query?user_id={WRITER}"
    for length in LENGTHS:
        pasts = crowd.long_ones.get(length, ())
        bodies = [{**BARE, "conversation_id": past.conversation_id} for past in pasts]
        batch = measured_load(
            url, bodies or [BARE], side.meter, callers=CALLERS, requests=LONG_ONES
        )
        results[length].append(batch)


async def _stored(settings: DatabaseSettings) -> Mapping[int, Stored]:
    """Look at the first turn that was measured behind each number of others."""
    async with Database(settings) as database:
        return {
            length: await database.read(partial(_stored_behind, length=length))
            for length in LENGTHS
        }


def _stored_behind(connection: Connection, length: int) -> Stored:
    answered = connection.execute(
        select(turns).where(
            turns.c.user_id == WRITER,
            turns.c.position == length + 1,
            turns.c.lease_owner != NOBODY,
        )
    ).all()
    batches = connection.execute(
        select(journal).where(journal.c.turn_id.in_([turn.turn_id for turn in answered]))
    ).all()
    rows = [*answered, *batches]
    return Stored(len(rows) / len(answered), bytes_of(rows) / len(answered))
