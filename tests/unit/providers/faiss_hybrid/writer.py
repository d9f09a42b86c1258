"""A process that replaces documents without end; prints `document version` after each commit.

Run as `python -m tests.unit.providers.faiss_hybrid.writer FILE`.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from tests.unit.providers.faiss_hybrid.parts import document, insert, open_store

DOCUMENTS = 3
CHUNKS = 40


async def main(path: Path) -> None:
    async with open_store(path) as provider:
        for turn in itertools.count():
            document_id, version = f"d{turn % DOCUMENTS}", f"v{turn}"
            texts = [f"alpha {version} part{index}" for index in range(CHUNKS)]
            await insert(provider, *document(document_id, version, texts))
            print(document_id, version, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
