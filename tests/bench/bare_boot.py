"""The yardstick of a start: import the library client, initialize the same run.yaml, say so.

Started as `python -m tests.bench.bare_boot RUN_YAML`; it then rests until stdin ends.
"""

import asyncio
import contextlib
import io
import sys

from llama_stack.core.library_client import AsyncLlamaStackAsLibraryClient


async def main() -> None:
    """Boot and rest."""
    client = AsyncLlamaStackAsLibraryClient(sys.argv[1])
    with contextlib.redirect_stdout(io.StringIO()):
        await client.initialize()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await client.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
