"""Whatever is done to the files of the audit, `audit verify` names the first record not right."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightspeed_core.audit.chain import Seal
from lightspeed_core.audit.files import HEAD
from lightspeed_core.audit.verify import Flaw, verify_directory
from lightspeed_core.cli.main import run
from tests.support.audit import DAY, Clock, a_chain, decisions, files_of, records_of

pytestmark = pytest.mark.requirement("audit.chain")

FILES = 3
RECORDS = 4  # of each file, the one that opens it among them
LAST = FILES * RECORDS
KEYS = {"plain": None, "keyed": b"secret"}

often = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
any_record = st.integers(1, LAST)


@dataclass
class Written:
    """A chain as it was written, from which each example starts anew."""

    directory: Path
    seal: Seal

    def tampered(self, change: Callable[[list[list[bytes]]], object]) -> Flaw | None:
        """Change the lines of the files, and return the flaw that is found."""
        lines = [file.read_bytes().splitlines(keepends=True) for file in files_of(self.directory)]
        before = [file.read_bytes() for file in files_of(self.directory)]
        files = files_of(self.directory)
        change(lines)
        try:
            for file, left in zip(files, lines, strict=True):
                file.write_bytes(b"".join(left))
            return verify_directory(self.directory, self.seal).flaw
        finally:
            for file, content in zip(files, before, strict=True):
                file.write_bytes(content)


@pytest.fixture(params=KEYS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    seal, clock = Seal(KEYS[request.param]), Clock()
    chain = a_chain(tmp_path / "audit", clock, seal=seal)
    for _ in range(FILES):
        chain.append(decisions(RECORDS - 1))
        clock.now += DAY
    return Written(tmp_path / "audit", seal)


def place_of(seq: int) -> tuple[int, int]:
    """Return the file and the line of a record, both counted from 0."""
    return divmod(seq - 1, RECORDS)


def name_of(seq: int) -> tuple[str, int]:
    file, line = place_of(seq)
    return f"audit-{file + 1:08d}.jsonl", line + 1


def test_an_untouched_chain_is_whole(written: Written) -> None:
    verdict = verify_directory(written.directory, written.seal)
    assert (verdict.flaw, verdict.notes) == (None, [])
    assert (verdict.files, verdict.records, verdict.last_seq) == (FILES, LAST, LAST)


@often
@given(seq=any_record, data=st.data())
def test_an_edited_byte_is_found_in_its_record(
    written: Written, seq: int, data: st.DataObject
) -> None:
    file, line = place_of(seq)

    def edit(lines: list[list[bytes]]) -> None:
        content = bytearray(lines[file][line])
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
        lines[file][line] = bytes(content)

    flaw = written.tampered(edit)
    assert flaw is not None
    assert (flaw.file, flaw.line) == name_of(seq)


@often
@given(first=any_record, count=st.integers(1, LAST))
def test_deleted_records_are_found_at_the_next_one(
    written: Written, first: int, count: int
) -> None:
    last = min(first + count - 1, LAST)
    if last == LAST and first == 1:
        return

    def delete(lines: list[list[bytes]]) -> None:
        for seq in range(last, first - 1, -1):
            file, line = place_of(seq)
            del lines[file][line]

    flaw = written.tampered(delete)
    assert flaw is not None
    if last == LAST:
        assert (flaw.seq, flaw.file, flaw.line) == (None, *name_of(first - 1))
        assert flaw.text.endswith("behind it")
    else:
        assert flaw.seq == last + 1


@often
@given(first=st.integers(1, LAST - 1), distance=st.integers(1, LAST))
def test_reordered_records_are_found_at_the_first(
    written: Written, first: int, distance: int
) -> None:
    second = min(first + distance, LAST)

    def swap(lines: list[list[bytes]]) -> None:
        (a, b), (c, d) = place_of(first), place_of(second)
        lines[a][b], lines[c][d] = lines[c][d], lines[a][b]

    flaw = written.tampered(swap)
    assert flaw is not None
    # Of the very first record nothing can be missing before it, only behind.
    expected = name_of(first) if first > 1 or second % RECORDS != 1 else name_of(2)
    assert (flaw.file, flaw.line) == expected


@often
@given(seq=any_record, data=st.data())
def test_a_chain_that_is_cut_off_is_found(written: Written, seq: int, data: st.DataObject) -> None:
    file, line = place_of(seq)

    def cut(lines: list[list[bytes]]) -> None:
        content = lines[file][line]
        lines[file][line] = content[: data.draw(st.integers(0, len(content) - 1))]
        del lines[file][line + 1 :]
        lines[file + 1 :] = [[] for _ in lines[file + 1 :]]

    flaw = written.tampered(cut)
    if seq == 1:
        assert flaw is not None
        return
    assert flaw is not None
    assert (flaw.file, flaw.line) in {name_of(seq), name_of(seq - 1)}


@often
@given(seq=any_record, times=st.integers(2, 3))
def test_a_repeated_record_is_found(written: Written, seq: int, times: int) -> None:
    file, line = place_of(seq)

    def repeat(lines: list[list[bytes]]) -> None:
        lines[file][line] = lines[file][line] * times

    flaw = written.tampered(repeat)
    assert flaw is not None
    assert (flaw.file, flaw.line) == (name_of(seq)[0], name_of(seq)[1] + 1)
    assert flaw.text == f"it stands behind record {seq}"


def test_records_of_another_chain_are_found(written: Written, tmp_path: Path) -> None:
    other = a_chain(tmp_path / "other", seal=written.seal)
    other.append(decisions(RECORDS - 1, user_id="eve"))
    foreign = files_of(tmp_path / "other")[0].read_bytes().splitlines(keepends=True)

    def replace(lines: list[list[bytes]]) -> None:
        lines[0][2:] = foreign[2:]

    flaw = written.tampered(replace)
    assert flaw is not None
    assert (flaw.line, flaw.seq) == (3, 3)
    assert flaw.text == "it was not written behind the record that is before it"


@pytest.mark.parametrize("gone", range(FILES))
def test_a_missing_file_is_found(written: Written, gone: int) -> None:
    files_of(written.directory)[gone].unlink()
    flaw = verify_directory(written.directory, written.seal).flaw
    assert flaw is not None
    assert "are missing" in flaw.text


def test_a_chain_that_is_put_back_as_it_was_is_found_by_its_note(
    written: Written, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    copytree(written.directory, older)
    clock = Clock()
    clock.now += (FILES - 1) * DAY
    a_chain(written.directory, clock, seal=written.seal).append(decisions(2))
    (older / HEAD).write_bytes((written.directory / HEAD).read_bytes())
    flaw = verify_directory(older, written.seal).flaw
    assert flaw is not None
    assert flaw.text == f"records {LAST + 1} to {LAST + 2} are missing behind it"


WRITER = """
import itertools, pathlib, sys
from lightspeed_core.audit.chain import Seal
from lightspeed_core.audit.files import ChainFiles
from tests.support.audit import decisions
chain = ChainFiles(pathlib.Path(sys.argv[1]), Seal(), largest=20_000)
chain.prepare()
records = decisions(7)
for number in itertools.count():
    chain.append(records)
    if number == 3:
        print("writing", flush=True)
"""


def test_a_chain_of_writers_that_are_killed_stays_whole(tmp_path: Path) -> None:
    directory = tmp_path / "audit"
    for _ in range(4):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(directory)],
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
            )
            for _ in range(2)
        ]
        for writer in writers:
            with writer:
                assert writer.stdout is not None
                assert writer.stdout.readline() == b"writing\n"
                os.kill(writer.pid, signal.SIGKILL)
        assert verify_directory(directory, Seal()).flaw is None
    a_chain(directory).append(decisions(1))

    verdict = verify_directory(directory, Seal())
    assert verdict.flaw is None
    assert sum("outcome" in record for record in records_of(files_of(directory))) >= 4 * 2 * 4 * 7


def told(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> tuple[int, str, str]:
    code = run(["audit", "verify", *arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def test_the_command_names_the_first_bad_record(
    written: Written, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = [str(written.directory)]
    if written.seal.algorithm == "hmac-sha256":
        key = tmp_path / "key"
        key.write_text("secret\n")
        code, out, err = told(capsys, arguments)
        assert (code, out) == (2, "")
        assert "name the file that holds it" in err
        arguments += ["--key", str(key)]
    code, out, _ = told(capsys, arguments)
    assert code == 0
    assert out.startswith(f"{written.directory}: {LAST} records in {FILES} files, 1 to {LAST}, ")

    file = files_of(written.directory)[1]
    file.write_bytes(file.read_bytes().replace(b'"user":"ann"', b'"user":"eve"', 1))

    code, out, _ = told(capsys, arguments)
    assert code == 1
    assert f"BROKEN: {file}, line 2: its content does not fit its hash\n" in out
    code, out, _ = told(capsys, [*arguments, "--json"])
    found: dict[str, Any] = json.loads(out)
    assert code == 1
    assert found["whole"] is False
    assert found["flaw"] == {
        "file": file.name,
        "line": 2,
        "seq": None,
        "text": "its content does not fit its hash",
    }


def test_the_command_verifies_one_file_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    chain = a_chain(tmp_path / "audit", clock)
    for _ in range(2):
        chain.append(decisions(2))
        clock.now += DAY
    second = files_of(tmp_path / "audit")[1]
    code, out, _ = told(capsys, [str(second)])
    assert code == 0
    assert "3 records in 1 files, 4 to 6" in out
    assert "tells neither what was before it nor what followed" in out

    second.write_bytes(second.read_bytes()[:-1])
    code, out, _ = told(capsys, [str(second)])
    assert code == 1
    assert f"BROKEN: {second}, line 3: it is cut off" in out


def test_the_command_asks_the_configuration_where_the_chain_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_chain(tmp_path / "audit").append(decisions(1))
    file = tmp_path / "lightspeed-stack.yaml"
    text = (
        "name: x\nservice: {}\nuser_data_collection: {}\n"
        "llama_stack: {url: 'http://localhost:8321', use_as_library_client: false}\n"
    )
    file.write_text(f"{text}audit: {{directory: {tmp_path / 'audit'}}}\n")
    assert told(capsys, ["-c", str(file)])[0] == 0

    file.write_text(text)
    assert told(capsys, ["-c", str(file)]) == (
        2,
        "",
        "lightspeed-stack: audit.directory is not set: name a directory or a file\n",
    )


def test_the_command_refuses_what_is_no_chain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = told(capsys, [str(tmp_path)])
    assert (code, "holds no files of an audit chain" in err) == (2, True)
    code, _, err = told(capsys, [str(tmp_path / "none")])
    assert (code, "cannot be read: No such file or directory" in err) == (2, True)
    code, _, err = told(capsys, [str(tmp_path), "--key", str(tmp_path / "none")])
    assert (code, "audit.key_path: " in err) == (2, True)
