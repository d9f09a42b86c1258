"""The indexes against the file: what is followed, what is built anew, what is refused."""

import sqlite3
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest
from llama_stack_api import EmbeddedChunk

from lightspeed_stack_providers.faiss_hybrid import schema, stores
from lightspeed_stack_providers.faiss_hybrid.derived import DerivedIndex, DerivedIndexes
from lightspeed_stack_providers.faiss_hybrid.failures import DamagedContent
from lightspeed_stack_providers.faiss_hybrid.keyword_index import KeywordIndex, Text
from lightspeed_stack_providers.faiss_hybrid.writing import REMOVALS_KEPT, Changes
from lightspeed_stack_providers.vector_stores import chunks as new_chunks
from tests.unit.providers.faiss_hybrid.parts import DIMENSION, MODEL, STORE, chunk


@pytest.fixture
def connection(tmp_path: Path) -> Generator[sqlite3.Connection]:
    opened = schema.connect(tmp_path / "k.db")
    stores.register(opened, STORE, name=STORE, model=MODEL, dimension=DIMENSION)
    yield opened
    opened.close()


def put(connection: sqlite3.Connection, chunks: Iterable[EmbeddedChunk]) -> None:
    store = stores.get(connection, STORE)
    changes = Changes(connection, store)
    connection.execute("BEGIN")
    changes.insert(*new_chunks.read(list(chunks), store))
    changes.finish()
    connection.execute("COMMIT")


def remove(connection: sqlite3.Connection, chunk_ids: list[str]) -> None:
    changes = Changes(connection, stores.get(connection, STORE))
    connection.execute("BEGIN")
    changes.remove(chunk_ids)
    changes.finish()
    connection.execute("COMMIT")


def current(indexes: DerivedIndexes, connection: sqlite3.Connection) -> DerivedIndex:
    store = stores.get(connection, STORE)
    index = indexes.current(connection, store)
    assert index.agrees(store)
    return index


def test_an_index_follows_changes_without_being_built_anew(connection: sqlite3.Connection) -> None:
    indexes = DerivedIndexes("english")
    first = current(indexes, connection)
    put(connection, [chunk(f"c{i}", "alpha") for i in range(20)])
    assert current(indexes, connection) is first
    remove(connection, ["c3", "c4"])
    put(connection, [chunk("c5", "beta"), chunk("new", "gamma", vector=[])])
    assert current(indexes, connection) is first
    assert (len(first.words), len(first.vectors)) == (19, 18)
    assert len(first.words.search("beta", 10)) == 1


def test_nothing_is_read_twice_when_nothing_changed(connection: sqlite3.Connection) -> None:
    indexes = DerivedIndexes("english")
    put(connection, [chunk(f"c{i}", "alpha") for i in range(20)])
    current(indexes, connection)
    put(connection, [chunk(f"c{i}", "alpha") for i in range(20)])
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    current(indexes, connection)
    connection.set_trace_callback(None)
    assert [each for each in statements if "stores" not in each] == []


def test_a_remembered_filter_is_looked_for_among_new_chunks_alone(
    connection: sqlite3.Connection,
) -> None:
    indexes = DerivedIndexes("english")
    wanted = {"type": "eq", "key": "product", "value": "x"}
    put(connection, [chunk(f"c{i}", "alpha", product="x") for i in range(20)])
    assert len(current(indexes, connection).select(connection, wanted).keys) == 20
    put(connection, [chunk("new", "alpha", product="x"), chunk("other", "alpha", product="y")])
    index = current(indexes, connection)
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    selection = index.select(connection, wanted)
    assert index.select(connection, wanted) is selection
    connection.set_trace_callback(None)
    assert len(selection.keys) == len(selection.places) == 21
    [statement] = statements
    assert "chunk_key > 20" in statement


def test_many_texts_at_once_are_found_as_few_are() -> None:
    many = KeywordIndex("english")
    texts = [Text(key, "", f"alpha w{key % 50}", "english") for key in range(1, 7_001)]
    many.change(add=iter(texts), expected=len(texts))
    assert len(many) == 7_000
    many.change(add=iter([Text(7_001, "", "alpha w7", "english")]), remove=[8])
    found = {key for key, _ in many.search("w7", 200)}
    assert found == {*range(7, 7_001, 50), 7_001}


@pytest.mark.parametrize("part", ["words", "vectors"])
def test_a_damaged_index_is_built_anew(connection: sqlite3.Connection, part: str) -> None:
    indexes = DerivedIndexes("english")
    put(connection, [chunk(f"c{i}", "alpha") for i in range(5)])
    damaged = current(indexes, connection)
    if part == "words":
        damaged.words.change(add=iter(()), remove=[1, 2])
    else:
        damaged.vectors.remove([1, 2])
    repaired = current(indexes, connection)
    assert repaired is not damaged
    assert len(repaired.words.search("alpha", 10)) == 5


def test_an_index_that_breaks_is_built_anew(connection: sqlite3.Connection) -> None:
    indexes = DerivedIndexes("english")
    put(connection, [chunk("a", "alpha")])
    broken = current(indexes, connection)
    broken.words.__dict__.clear()
    broken.words.__dict__["_index"] = _Broken()
    put(connection, [chunk("b", "alpha")])
    assert len(current(indexes, connection).words.search("alpha", 10)) == 2


class _Broken:
    def writer(self, *_: object) -> None:
        message = "segment is gone"
        raise ValueError(message)


def test_an_index_that_missed_too_many_removals_is_built_anew(
    connection: sqlite3.Connection,
) -> None:
    abreast, behind = DerivedIndexes("english"), DerivedIndexes("english")
    many = [chunk(f"c{i}", "alpha", vector=[]) for i in range(REMOVALS_KEPT + 50)]
    put(connection, many)
    first_abreast, first_behind = current(abreast, connection), current(behind, connection)
    remove(connection, [each.chunk_id for each in many[:100]])
    assert current(abreast, connection) is first_abreast
    remove(connection, [each.chunk_id for each in many[100:]])
    assert current(abreast, connection) is first_abreast
    assert current(behind, connection) is not first_behind
    [(kept,)] = connection.execute("SELECT count(*) FROM removals")
    assert kept == REMOVALS_KEPT


def test_the_indexes_of_a_deleted_store_are_let_go(connection: sqlite3.Connection) -> None:
    indexes = DerivedIndexes("english")
    put(connection, [chunk("a", "alpha")])
    first = current(indexes, connection)
    stores.remove(connection, STORE)
    stores.register(connection, STORE, name=STORE, model=MODEL, dimension=DIMENSION)
    assert current(indexes, connection) is not first
    assert indexes.store_keys() == {stores.get(connection, STORE).store_key}


def test_counts_that_contradict_the_rows_are_refused(connection: sqlite3.Connection) -> None:
    put(connection, [chunk("a", "alpha")])
    connection.execute("UPDATE stores SET chunks = 7, version = version + 1")
    with pytest.raises(DamagedContent, match="counts"):
        DerivedIndexes("english").current(connection, stores.get(connection, STORE))
