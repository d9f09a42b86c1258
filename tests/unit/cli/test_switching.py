"""How long the event loop waits for threads."""

import sys

from lightspeed_core.cli.switching import let_the_loop_in


def test_threads_give_way_sooner_than_python_has_them_do() -> None:
    before = sys.getswitchinterval()
    try:
        let_the_loop_in()
        now = sys.getswitchinterval()
    finally:
        sys.setswitchinterval(before)

    assert 0 < now < before
