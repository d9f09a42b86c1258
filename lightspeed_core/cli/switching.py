"""How long a thread may compute in Python while the event loop waits for its turn."""

import sys
from typing import Final

SECONDS: Final = 0.001
"""Python's own five milliseconds, once for each thread that is at work, hold streams up."""


def let_the_loop_in() -> None:
    """Have busy threads give way sooner, in this process."""
    sys.setswitchinterval(SECONDS)
