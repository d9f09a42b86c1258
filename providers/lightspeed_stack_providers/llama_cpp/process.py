"""The process that runs a model, seen from the one that asks it. Knows no chats.

A process of its own because the library holds the interpreter while it loads a model, and because
a fault in it then ends no service.
"""

import importlib.util
import json
import logging
import secrets
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lightspeed_stack_providers.llama_cpp.config import LlamaCppConfig, most_of_the_cores
from lightspeed_stack_providers.llama_cpp.gguf import GgufFile

logger = logging.getLogger(__name__)

LIBRARY: Final = "xllamacpp"
_WORKER: Final = Path(__file__).with_name("worker.py")
_END_SECONDS: Final = 5.0
_KEPT_LINES: Final = 8
_PAGE: Final = 4096
# What the loader and the processor's libraries read; nothing of it is secret.
_HANDED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP")

# A debugger's view of a fault would take the place of its reason.
_SILENCED: Final = {"GGML_NO_BACKTRACE": "1"}
_SIGNALS: Final[Mapping[int, str]] = {
    signal.SIGKILL: "killed, as the system does for want of memory",
    signal.SIGABRT: "given up, as it does for want of memory",
}


class LibraryMissing(Exception):
    """The package that runs the model is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "llama_cpp needs the Python package xllamacpp: "
            "install lightspeed-stack[gguf] (or lightspeed-stack-providers[gguf])"
        )


def require_library() -> None:
    """Raise `LibraryMissing` where it is not installed; imports nothing."""
    if importlib.util.find_spec(LIBRARY) is None:
        raise LibraryMissing


@dataclass
class _Run:
    """What is known of a run; the thread that listens to the process writes it."""

    name: str
    address: str | None = None
    failure: str | None = None
    is_stopped: bool = False
    said: deque[str] = field(default_factory=lambda: deque[str](maxlen=_KEPT_LINES))


class ModelProcess:
    """One run of the worker; it ends with this object."""

    def __init__(
        self,
        config: LlamaCppConfig,
        file: GgufFile,
        environ: Mapping[str, str],
        *,
        context: int,
    ) -> None:
        self.key = secrets.token_urlsafe(32)
        self._bytes = file.bytes
        self._run = _Run(file.path.name)
        self._child = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_SILENCED | {name: environ[name] for name in _HANDED_ON if name in environ},
        )
        settings = {
            "model_path": str(file.path),
            "context_size": context,
            "parallel": config.parallel,
            "threads": config.threads or most_of_the_cores(),
            "key": self.key,
        }
        # The thread holds the child alone: where a boot fails and nobody stops this, its end does.
        self._hang_up = weakref.finalize(self, _hand_over(self._child, settings))
        self._reader = threading.Thread(
            target=_follow, args=(self._child, self._run), name="llama-cpp", daemon=True
        )
        self._reader.start()

    @property
    def address(self) -> str | None:
        """Where the model listens; None until it is loaded."""
        return self._run.address

    @property
    def failure(self) -> str | None:
        """Why the process has ended; None until then."""
        return self._run.failure

    def progress(self) -> int:
        """Tell how much of the file is in the process's memory, in percent; 0 where unknown."""
        try:
            text = Path(f"/proc/{self._child.pid}/statm").read_text(encoding="ascii")
        except OSError:
            return 0
        return min(99, int(text.split()[1]) * _PAGE * 100 // self._bytes)

    def stop(self) -> None:
        """End process and thread; waits for both, some seconds at most. Harmless when repeated."""
        self._run.is_stopped = True
        self._hang_up()
        try:
            # While it loads it hears nothing.
            self._child.wait(_END_SECONDS if self.address else 0)
        except subprocess.TimeoutExpired:
            self._child.kill()
        self._reader.join()


def _hand_over(child: subprocess.Popen[bytes], settings: Mapping[str, Any]) -> Callable[[], None]:
    """Send the settings; returns what ends the child by ending its input."""
    stdin, child.stdin = child.stdin, None
    if stdin is None:
        raise RuntimeError("a child with a pipe has one")
    with suppress(BrokenPipeError):  # its end tells why
        stdin.write(f"{json.dumps(settings)}\n".encode())
        stdin.flush()
    return stdin.close


def _follow(child: subprocess.Popen[bytes], run: _Run) -> None:
    for line in child.stdout or ():
        text = line.decode(errors="replace").strip()
        if text.startswith('{"address"'):
            run.address = json.loads(text)["address"]
            logger.info("language model loaded model=%s", run.name)
        elif text:
            run.said.append(text)
            logger.debug("llama.cpp said: %s", text)
    code = child.wait()
    if child.stdout is not None:
        child.stdout.close()
    why = f" ({_SIGNALS[-code]})" if -code in _SIGNALS else ""
    told = " / ".join(run.said) or "silently"
    run.failure = f"its process ended with code {code}{why}: {told}"
    if not run.is_stopped:
        logger.error("language model ended model=%s: %s", run.name, run.failure)
