"""Work that nobody waits for, beside work that somebody does."""

import os
import sys
import threading


def step_back(niceness: int) -> None:
    """Let the calling thread, and those that it starts, go behind all others.

    Without it a busy thread is given whole time slices while the event loop waits for a processor.
    `niceness` is added to what it has, as `nice` does. Only Linux has one for each thread;
    elsewhere nothing happens.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
