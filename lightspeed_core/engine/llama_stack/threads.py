"""Long imports off the event loop, in a thread that ends with them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


async def in_own_thread[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a thread of its own; the loop's pool would keep its thread for ever."""
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llama-stack-import")
    try:
        call = asyncio.get_running_loop().run_in_executor(
            executor, lambda: function(*args, **kwargs)
        )
        return await call
    finally:
        executor.shutdown(wait=False)
