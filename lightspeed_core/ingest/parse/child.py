"""The process that reads files: one request after the other, answered over its pipe.

It is run by path and name alone, `python -I -m lightspeed_core.ingest.parse.child`, and ends when
its pipe does.
"""

import hashlib
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Final

from lightspeed_core.ingest.parse import confinement
from lightspeed_core.ingest.parse.confinement import Confinement
from lightspeed_core.ingest.parse.reading import Unreadable
from lightspeed_core.ingest.parse.wire import Answer, Request

_MIB: Final = 1024 * 1024
_LONGEST_REASON: Final = 300


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more, or a file has left this process in doubt."""
    confined = Confinement()
    confined.enter()
    for line in requests:
        request = Request.model_validate_json(line)
        answer, text = _answer(request)
        if confined.attempts:
            answer, text = _refused(f"was refused: it made its reader try {confined.attempts[0]}")
        answers.write(answer.line())
        answers.write(text)
        answers.flush()
        if answer.is_last:
            return


def _answer(request: Request) -> tuple[Answer, bytes]:
    most = f"{request.limits.memory_mib} MiB of memory"
    try:
        confinement.allow(request.limits)
        return _read(request)
    except Unreadable as error:
        return Answer(reason=str(error)), b""
    except OSError as error:
        return Answer(reason=f"could not be opened: {error.strerror or error}"), b""
    except MemoryError:
        return _refused(f"needs more than {most}")
    except RecursionError:
        return _refused("is nested too deeply")
    except Exception as error:  # noqa: BLE001 - whatever a library raises over a broken file
        return _refused(f"is broken: {type(error).__name__}: {error}")


def _refused(reason: str) -> tuple[Answer, bytes]:
    """Give a reason of which nobody knows what it has left behind in this process."""
    printable = reason.encode("ascii", "replace").decode()
    return Answer(reason=printable[:_LONGEST_REASON], is_last=True), b""


def _read(request: Request) -> tuple[Answer, bytes]:
    from lightspeed_core.ingest.parse.readers import read

    data, status = _content(request.path, request.limits.file_mib)
    kind, reading = read(request.name, data, request.limits)
    text = reading.text.encode()
    answer = Answer(
        text_bytes=len(text),
        media_type=kind,
        title=reading.title,
        language=reading.language,
        pages=[(page.number, page.start, page.end) for page in reading.pages],
        notes=list(reading.notes),
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        digest=hashlib.sha256(data).hexdigest(),
    )
    return answer, text


def _content(path: Path, most_mib: int) -> tuple[bytes, os.stat_result]:
    """Read a file of a bounded size; what is no file at all could hold the reader up for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("is no file")
        most = most_mib * _MIB
        data = file.read(most + 1)
    if len(data) > most:
        raise Unreadable(f"is larger than the limit of {most_mib:,} MiB")
    return data, status


def main() -> None:
    """Serve the pipe; whatever a library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
