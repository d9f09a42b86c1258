"""Files are read by a process of their own, whose limits hold and which has no network."""

import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import psutil
import pytest

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.domain.retrieval import SourceFile
from lightspeed_core.errors import UnreadableFile
from lightspeed_core.ingest.parse.parser import DocumentParser, parse
from tests.support.document_files import (
    archive,
    circular_pdf,
    docx,
    docx_relations,
    long_pdf,
    paragraph,
    pdf,
    pdf_bomb,
    pptx,
    xlsx,
)

# Unclosed elements are compared with all that are open, so that they cost the square of their
# number: hours for these.
LOOPING = b"<div>" * 1_000_000


@pytest.fixture
async def parser() -> AsyncGenerator[DocumentParser]:
    async with DocumentParser(ParseLimits(memory_mib=512, processor_seconds=20)) as parser:
        yield parser


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


async def reason_of(parser: DocumentParser, path: Path) -> str:
    with pytest.raises(UnreadableFile) as refused:
        await parser.parse(path)
    assert refused.value.name == path.name
    return refused.value.reason


def processes() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


@pytest.mark.requirement("formats.process")
async def test_a_file_becomes_a_document(tmp_path: Path) -> None:
    path = write(tmp_path, "guide.md", b"# Guide\n\nText.\n")
    parsed = await parse(path)
    assert (parsed.text, parsed.title) == ("# Guide\n\nText.\n", "Guide")
    status = path.stat()
    assert parsed.file == SourceFile(
        path=str(path),
        size=15,
        modified_ns=status.st_mtime_ns,
        digest=hashlib.sha256(b"# Guide\n\nText.\n").hexdigest(),
    )


async def test_the_name_it_was_sent_under_counts(parser: DocumentParser, tmp_path: Path) -> None:
    path = write(tmp_path, "0f3a", b"a,b\n1,2\n")
    parsed = await parser.parse(path, name="ports.csv")
    assert (parsed.media_type, parsed.title) == ("text/csv", "ports")
    odd = write(tmp_path, os.fsdecode(b"\xff.md"), b"# Odd\n")
    assert (await parser.parse(odd)).title == "Odd"


@pytest.mark.requirement("formats.process")
async def test_one_process_serves_many_files_and_is_replaced(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", b"# A\n")
    before = processes()
    async with DocumentParser(ParseLimits(), files_per_process=2) as parser:
        await parser.parse(path)
        first = processes() - before
        await parser.parse(path)
        assert len(first) == 1
        assert processes() == before
        await parser.parse(path)
        assert processes() - before not in (set(), first)
    assert processes() == before


@pytest.mark.attack(76)
@pytest.mark.requirement("formats.limits")
async def test_a_file_that_loops_ends_with_its_processor_time(tmp_path: Path) -> None:
    looping = write(tmp_path, "loop.html", LOOPING)
    async with DocumentParser(ParseLimits(processor_seconds=1)) as parser:
        assert await reason_of(parser, looping) == "took more than 1 seconds of processor time"
        good = write(tmp_path, "good.md", b"# Good\n")
        assert (await parser.parse(good)).title == "Good"


@pytest.mark.attack(76)
@pytest.mark.requirement("formats.limits")
async def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    looping = write(tmp_path, "loop.html", LOOPING)
    before = processes()
    async with DocumentParser(ParseLimits(seconds=3)) as parser:
        assert await reason_of(parser, looping) == "took longer than 3 seconds"
        assert processes() == before


@pytest.mark.attack(76)
@pytest.mark.requirement("formats.limits")
async def test_a_file_that_eats_memory_is_stopped(tmp_path: Path) -> None:
    hungry = write(tmp_path, "hungry.csv", b"a," * 10_000_000)
    async with DocumentParser(ParseLimits(memory_mib=256)) as parser:
        assert "256 MiB of memory" in await reason_of(parser, hungry)
        good = write(tmp_path, "good.md", b"# Good\n")
        assert (await parser.parse(good)).title == "Good"


@pytest.mark.requirement("formats.limits")
async def test_a_file_has_a_greatest_size(tmp_path: Path) -> None:
    large = tmp_path / "large.md"
    with large.open("wb") as file:
        file.truncate(2 * 1024 * 1024)
    with pytest.raises(UnreadableFile, match=r"large\.md is larger than the limit of 1 MiB"):
        await parse(large, limits=ParseLimits(file_mib=1))


async def test_what_is_no_file_holds_nobody_up(parser: DocumentParser, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert await reason_of(parser, tmp_path / "pipe.md") == "is no file"
    assert (await reason_of(parser, tmp_path)).startswith(("is no file", "could not be opened"))
    assert "No such file" in await reason_of(parser, tmp_path / "missing.md")


async def test_a_caller_who_leaves_takes_the_process_along(tmp_path: Path) -> None:
    looping = write(tmp_path, "loop.html", LOOPING)
    before = processes()
    async with DocumentParser(ParseLimits()) as parser:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(parser.parse(looping))
            while processes() == before:
                await asyncio.sleep(0.01)
            task.cancel()
        assert processes() == before
        good = write(tmp_path, "good.md", b"# Good\n")
        assert (await parser.parse(good)).title == "Good"


HOSTILE = {
    "circular.pdf": (circular_pdf(), ""),
    "bomb.pdf": (pdf_bomb(200), ""),
    "encrypted.pdf": (pdf([["Secret"]], password="x"), "is encrypted"),
    "scanned.pdf": (pdf([[], []]), "holds no text; its pages are pictures"),
    "cut.pdf": (pdf([["One"]])[:200], ""),
    "bomb.docx": (docx(paragraph("x" * 300_000_000)), "unpacks to more than is read"),
    "entities.docx": (
        archive(
            {
                "word/document.xml": '<!DOCTYPE x [<!ENTITY a "ha">'
                + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(12))
                + "]><x>&m;</x>"
            }
        ),
        "is broken",
    ),
    "parts.xlsx": (
        archive({f"xl/{number}.xml": "" for number in range(20_001)} | {"xl/workbook.xml": ""}),
        "has 20,002 parts",
    ),
    "rubbish.pptx": (archive({"ppt/presentation.xml": "<"}), "is broken"),
    "nested.json": (b"[" * 200_000 + b"x" * 600, None),
    "nul.md": (b"# Title\n\nte\x00xt\n", None),
    "bytes.txt": (b"\xff\xfe\xfd wrong \xc3\x28", None),
}


@pytest.mark.attack(76)
@pytest.mark.requirement("formats.hostile")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_is_named_and_the_next_one_is_read(
    parser: DocumentParser, tmp_path: Path, name: str
) -> None:
    data, reason = HOSTILE[name]
    path = write(tmp_path, name, data)
    if reason is None:
        assert (await parser.parse(path)).text
    else:
        assert (await reason_of(parser, path)).startswith(reason)
    good = write(tmp_path, "good.pdf", pdf([["Good"]]))
    assert (await parser.parse(good)).text == "Good\n\n"


@pytest.mark.attack(76)
@pytest.mark.requirement("formats.hostile")
async def test_ten_thousand_pages_are_too_many(parser: DocumentParser, tmp_path: Path) -> None:
    path = write(tmp_path, "long.pdf", long_pdf(10_000))
    assert await reason_of(parser, path) == "has 10,000 pages, more than the limit of 5,000"


class Listener:
    """A port of this machine; `calls` are the connections that came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.calls = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def listener() -> Generator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def calling_files(address: str) -> dict[str, bytes]:
    """Make files that refer to an address in each way that their format knows."""
    page = (
        f'<html><head><base href="{address}"><link rel="stylesheet" href="{address}/a.css">'
        f'<meta http-equiv="refresh" content="0; url={address}"><script src="{address}/a.js">'
        f'</script></head><body><img src="{address}/a.png"><iframe src="{address}"></iframe>'
        f'<object data="{address}"></object><video src="{address}/v"></video><p>Text</p>'
    )
    picture = (
        '<w:p><w:r><w:drawing><a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/'
        'main" r:link="x0"/></w:drawing></w:r></w:p>'
    )
    entity = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}/e"> <!ENTITY % p SYSTEM "{address}/p"> %p;]>'
    )
    relations = docx_relations(("image", f"{address}/i.png"), ("attachedTemplate", address))
    return {
        "page.html": page.encode(),
        "note.md": f"![x]({address}/x.png)\n\n<img src='{address}'>\n".encode(),
        "list.rst": f"Text\n\n.. include:: {address}\n.. image:: {address}/x.png\n".encode(),
        "data.yaml": b"!!python/object/apply:os.system ['true']\n",
        "word.docx": docx(paragraph("Text") + picture, {"word/_rels/document.xml.rels": relations}),
        "entity.docx": archive({"word/document.xml": f"{entity}<x>&e;</x>"}),
        "sheet.xlsx": xlsx({"S": [[f'=WEBSERVICE("{address}")'], [f'=HYPERLINK("{address}")']]}),
        "slides.pptx": pptx([("Title", [address])]),
        "manual.pdf": pdf([["Text"]]).replace(
            b"/Type /Catalog", f"/Type /Catalog /OpenAction << /S /URI /URI ({address}) >>".encode()
        ),
    }


@pytest.mark.attack(76)
@pytest.mark.requirement("formats.network")
async def test_no_file_makes_its_reader_call_anybody(
    parser: DocumentParser, tmp_path: Path, listener: Listener
) -> None:
    read: set[str] = set()
    for name, data in calling_files(f"http://127.0.0.1:{listener.port}").items():
        try:
            await parser.parse(write(tmp_path, name, data))
            read.add(name)
        except UnreadableFile as error:
            # A reader that tried is told of; that the network is shut too is another matter.
            assert "made its reader try" not in error.reason
            assert error.reason.startswith(("is broken", "holds no text"))
    assert read >= {"page.html", "note.md", "list.rst", "word.docx", "slides.pptx", "manual.pdf"}
    assert listener.calls == 0


TRIES = {
    "socket": "import socket; socket.create_connection(('127.0.0.1', PORT), 5)",
    "name": "import socket; socket.getaddrinfo('localhost', PORT)",
    "page": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:PORT')",
    "program": "import subprocess; subprocess.run(['true'])",
    "system": "import os; os.system('true')",
    "fork": "import os; os.fork() or os._exit(0)",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "file": "open('written', 'w')",
    "appended": "open('kept', 'a')",
}


@pytest.mark.attack(76)
@pytest.mark.requirement("formats.network")
@pytest.mark.parametrize("name", TRIES)
def test_a_reader_can_neither_call_nor_run_nor_write(
    name: str, tmp_path: Path, listener: Listener
) -> None:
    (tmp_path / "kept").write_text("as it was")
    tried = TRIES[name].replace("PORT", str(listener.port))
    script = (
        "from lightspeed_core.ingest.parse.confinement import Confinement\n"
        "confined = Confinement(); confined.enter()\n"
        f"try:\n    {tried}\nexcept OSError: pass\n"
        "import sys; sys.exit(7 if confined.attempts else 0)"
    )
    ended = subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=False)
    assert ended.returncode == 7
    assert listener.calls == 0
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept").read_text() == "as it was"


def open_descriptors(pid: int) -> list[Path]:
    return [each.readlink() for each in Path(f"/proc/{pid}/fd").iterdir()]


@pytest.mark.requirement("formats.process")
async def test_the_process_inherits_neither_environment_nor_descriptors(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", b"# A\n")
    before = processes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        os.set_inheritable(server.fileno(), True)
        listening = Path(f"socket:[{os.fstat(server.fileno()).st_ino}]")
        async with DocumentParser(ParseLimits()) as parser:
            await parser.parse(path)
            (pid,) = processes() - before
            child = psutil.Process(pid)
            assert set(child.environ()) <= {"LANG", "OPENBLAS_NUM_THREADS", "LC_CTYPE"}
            links = await asyncio.to_thread(open_descriptors, pid)
    assert links
    assert listening not in links
