"""The parent of several server processes: keeps them running. Knows nothing of what they serve."""

from typing import override

from uvicorn.supervisors import Multiprocess


class Workers(Multiprocess):
    """Notices at once that a worker ended, also while it asks the worker for a sign of life.

    The end of a dead worker's pipe is seen only when nobody else holds that end, so the parent
    lets go of its own copy.
    """

    @override
    def init_processes(self) -> None:
        super().init_processes()
        self._let_go()

    @override
    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        self._let_go()

    def _let_go(self) -> None:
        for process in self.processes:
            process.child_conn.close()
