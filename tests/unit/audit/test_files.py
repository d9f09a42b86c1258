"""The chain on the disk: days, sizes, killed writers, full disks, age."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from signal import SIG_IGN, SIGXFSZ, signal

import pytest

from lightspeed_core.audit.chain import BrokenLine, Seal
from lightspeed_core.audit.files import HEAD, ChainFiles
from lightspeed_core.audit.verify import verify_directory
from tests.support.audit import DAY, NOON, Clock, a_chain, decisions, files_of, records_of


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def flaw_of(directory: Path, seal: Seal | None = None) -> str | None:
    flaw = verify_directory(directory, seal or Seal()).flaw
    return None if flaw is None else flaw.text


def test_records_are_numbered_and_each_names_the_hash_before_it(directory: Path) -> None:
    chain = a_chain(directory)
    chain.append(decisions(2))
    chain.append(decisions(1))

    records = records_of(files_of(directory))
    assert [record["seq"] for record in records] == [1, 2, 3, 4]
    assert records[0]["event"] == "opened"
    assert records[0]["previous"] == "0" * 64
    assert [record["previous"] for record in records[1:]] == [
        record["hash"] for record in records[:-1]
    ]
    assert flaw_of(directory) is None


def test_only_the_owner_can_read_the_files(directory: Path) -> None:
    a_chain(directory).append(decisions(1))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (directory, *directory.iterdir())}
    assert modes == {"audit": 0o700, "audit-00000001.jsonl": 0o600, HEAD: 0o600}


def test_each_day_has_a_file_that_begins_with_the_hash_of_the_last(
    directory: Path, clock: Clock
) -> None:
    chain = a_chain(directory, clock)
    for _ in range(3):
        chain.append(decisions(1))
        chain.append(decisions(1))
        clock.now += DAY

    files = files_of(directory)
    assert [len(records_of([file])) for file in files] == [3, 3, 3]
    assert records_of(files[1:2])[0]["previous"] == records_of(files[:1])[-1]["hash"]
    assert flaw_of(directory) is None


def test_a_large_file_is_followed_by_another_of_the_same_day(directory: Path) -> None:
    chain = a_chain(directory, largest=500)
    for _ in range(4):
        chain.append(decisions(1))
    assert len(files_of(directory)) == 4
    assert flaw_of(directory) is None


def test_several_writers_make_one_chain(directory: Path) -> None:
    chains = [a_chain(directory, largest=5_000) for _ in range(4)]

    def write(chain: ChainFiles) -> None:
        for _ in range(25):
            chain.append(decisions(2))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, chains))

    records = records_of(files_of(directory))
    assert sum("outcome" in record for record in records) == 200
    assert flaw_of(directory) is None


@pytest.mark.parametrize("torn", [b"", b'{"seq":3', b'{"seq":3,"x":1}'], ids=repr)
def test_a_chain_goes_on_after_a_writer_was_killed_in_a_line(directory: Path, torn: bytes) -> None:
    chain = a_chain(directory)
    chain.append(decisions(1))
    with files_of(directory)[0].open("ab") as file:
        file.write(torn)
    assert flaw_of(directory) is None

    chain.append(decisions(1))

    records = records_of(files_of(directory))
    assert [record.get("event") for record in records] == [
        "opened",
        None,
        *(["repaired"] if torn else []),
        None,
    ]
    assert flaw_of(directory) is None


def test_lines_that_a_killed_writer_had_not_noted_are_part_of_the_chain(directory: Path) -> None:
    chain = a_chain(directory)
    chain.append(decisions(1))
    noted = (directory / HEAD).read_bytes()
    chain.append(decisions(2))
    (directory / HEAD).write_bytes(noted)

    chain.append(decisions(1))

    assert [record["seq"] for record in records_of(files_of(directory))] == [1, 2, 3, 4, 5]
    assert flaw_of(directory) is None


def test_a_file_that_a_killed_writer_had_begun_is_gone_on_with(
    directory: Path, clock: Clock
) -> None:
    chain = a_chain(directory, clock)
    chain.append(decisions(1))
    noted = (directory / HEAD).read_bytes()
    clock.now += DAY
    chain.append(decisions(1))
    second = files_of(directory)[1]
    for left in (
        second.read_bytes(),
        second.read_bytes().splitlines(keepends=True)[0],
        b'{"s',
        b"",
    ):
        second.write_bytes(left)
        (directory / HEAD).write_bytes(noted)
        chain.append(decisions(1))
        assert files_of(directory)[1:] == [second]
        assert flaw_of(directory) is None


@pytest.mark.parametrize("left", [b"", b"rubbish", b"\xff" * 512], ids=["none", "text", "bytes"])
def test_without_a_note_the_chain_goes_on_from_its_last_record(
    directory: Path, left: bytes
) -> None:
    chain = a_chain(directory)
    chain.append(decisions(3))
    (directory / HEAD).write_bytes(left)
    assert (
        flaw_of(directory) == f"{HEAD} beside it is missing or not ours: what followed is not known"
    )

    chain.append(decisions(1))

    verdict = verify_directory(directory, Seal())
    assert verdict.flaw is None
    assert verdict.last_seq == 6
    assert verdict.notes == [
        f"1 times {HEAD} was missing and the chain went on from its last record"
    ]


def test_a_chain_that_was_cut_off_goes_on_and_stays_broken(directory: Path) -> None:
    chain = a_chain(directory)
    chain.append(decisions(3))
    first = files_of(directory)[0]
    first.write_bytes(b"".join(first.read_bytes().splitlines(keepends=True)[:-1]))

    chain.append(decisions(1))

    assert len(files_of(directory)) == 2
    assert flaw_of(directory) == "record 4 is missing before it"


def test_a_chain_whose_file_is_gone_goes_on_and_stays_broken(directory: Path) -> None:
    chain = a_chain(directory)
    chain.append(decisions(3))
    files_of(directory)[0].unlink()

    chain.append(decisions(1))

    assert flaw_of(directory) == (
        "records 1 to 4 are missing before it, and no record says that they expired"
    )


def test_a_write_in_part_is_taken_back(directory: Path) -> None:
    """A limit of the kernel stands for a disk that is full: it ends a write in its midst."""
    chain = a_chain(directory)
    chain.append(decisions(1))
    file = files_of(directory)[0]
    before = file.read_bytes()
    soft, hard = getrlimit(RLIMIT_FSIZE)
    heeded = signal(SIGXFSZ, SIG_IGN)
    setrlimit(RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(OSError):  # its number differs from system to system
            chain.append(decisions(2))
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))
        signal(SIGXFSZ, heeded)
    assert file.read_bytes() == before

    chain.append(decisions(2), lost=7)

    records = records_of([file])
    assert [record.get("count") for record in records] == [None, None, 7, None, None]
    assert flaw_of(directory) is None


def test_files_go_by_age_and_a_record_says_so(directory: Path, clock: Clock) -> None:
    chain = a_chain(directory, clock)
    for _ in range(5):
        chain.append(decisions(2))
        clock.now += DAY
    files = files_of(directory)

    assert chain.expire(NOON + 2.5 * DAY) == 2

    left = files_of(directory)
    assert left[:3] == files[2:]
    told = [record for record in records_of(left) if record.get("event") == "expired"]
    assert [record["file"] for record in told] == [file.name for file in files[:2]]
    verdict = verify_directory(directory, Seal())
    assert verdict.flaw is None
    assert verdict.notes == ["records up to 6 expired, as a record says"]
    assert chain.expire(NOON + 2.5 * DAY) == 0


def test_the_newest_file_never_goes(directory: Path, clock: Clock) -> None:
    chain = a_chain(directory, clock)
    chain.append(decisions(1))
    assert chain.expire(NOON + 1000 * DAY) == 0
    assert len(files_of(directory)) == 1


def test_a_file_deleted_by_hand_is_missed(directory: Path, clock: Clock) -> None:
    chain = a_chain(directory, clock)
    for _ in range(4):
        chain.append(decisions(1))
        clock.now += DAY
    chain.expire(NOON + 1.5 * DAY)
    files_of(directory)[0].unlink()
    assert flaw_of(directory) == (
        "records 1 to 4 are missing before it, and no record says that they expired"
    )


def test_nothing_goes_by_age_from_a_chain_that_is_not_as_it_was_written(
    directory: Path, clock: Clock
) -> None:
    chain = a_chain(directory, clock)
    for _ in range(3):
        chain.append(decisions(1))
        clock.now += DAY
    second = files_of(directory)[1]
    second.write_bytes(second.read_bytes().replace(b"2025-11-22", b"2020-11-22"))
    with pytest.raises(BrokenLine):
        chain.expire(NOON + 1000 * DAY)
    assert len(files_of(directory)) == 3


def test_a_key_makes_a_chain_that_nobody_else_can_make(directory: Path, tmp_path: Path) -> None:
    a_chain(directory, seal=Seal(b"secret")).append(decisions(2))
    assert flaw_of(directory, Seal(b"secret")) is None
    assert flaw_of(directory, Seal(b"guess")) == "its content does not fit its hash"

    forged = tmp_path / "forged"
    a_chain(forged).append(decisions(2))
    assert flaw_of(forged, Seal(b"secret")) == "its content does not fit its hash"


def test_preparing_says_how_the_chain_that_is_there_is_hashed(directory: Path) -> None:
    chain = ChainFiles(directory, Seal(b"secret"))
    assert chain.prepare() is None
    chain.append(decisions(1))
    assert ChainFiles(directory, Seal()).prepare() == "hmac-sha256"
    files_of(directory)[0].write_bytes(b"rubbish\n")
    assert ChainFiles(directory, Seal()).prepare() is None


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        ChainFiles(tmp_path / "file" / "audit", Seal()).prepare()
    with pytest.raises(FileNotFoundError):
        ChainFiles(tmp_path / "none", Seal()).append(decisions(1))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
