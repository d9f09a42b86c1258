"""Takes from this process what a reader of files has no use for; there is no way back.

Network, other programs and written files are refused by an audit hook of the interpreter
(PEP 578) and, where the kernel lets an ordinary process, by a network namespace of its own.
"""

import math
import os
import resource
import sys
from typing import Final

from lightspeed_core.config.parsing import ParseLimits

_MIB: Final = 1024 * 1024
_DESCRIPTORS: Final = 64
_NICENESS: Final = 10
_REFUSED: Final = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "os.system")
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Confinement:
    """The confinement of this process; `attempts` are what it has refused."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def enter(self) -> None:
        """Confine this process for the rest of its life."""
        # Answering goes first: reading files is patient work.
        os.nice(_NICENESS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
        _leave_the_network()
        sys.addaudithook(self._refuse)

    def _refuse(self, event: str, arguments: tuple[object, ...]) -> None:
        is_refused = event.startswith(_REFUSED) or (event == "open" and _writes(arguments))
        if is_refused:
            self.attempts.append(event)
            raise PermissionError(f"{event} is refused to a process that reads documents")


def allow(limits: ParseLimits) -> None:
    """Let this process use so much more processor time, and so much memory in all."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _lower(resource.RLIMIT_CPU, used + limits.processor_seconds)
    _lower(resource.RLIMIT_AS, limits.memory_mib * _MIB)


def _lower(kind: int, most: int) -> None:
    """Set a soft limit, so that the next file can have another one."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & _WRITING)


def _leave_the_network() -> None:
    """Enter an empty network namespace; not every kernel and container allows that."""
    if sys.platform != "linux":
        return
    for namespaces in (os.CLONE_NEWNET, os.CLONE_NEWUSER | os.CLONE_NEWNET):
        try:
            os.unshare(namespaces)
        except OSError:
            continue
        return
