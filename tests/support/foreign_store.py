"""Files of Llama Stack's faiss provider: written by faiss itself, as older releases did."""

import base64
import io
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import faiss
import numpy as np

MODEL = "sentence-transformers/all-mpnet-base-v2"


def index_of(vectors: Sequence[Sequence[float]]) -> str:
    """Return what the provider keeps of an index."""
    array = np.array(vectors, dtype=np.float32)
    index: Any = faiss.IndexFlatL2(array.shape[1])
    index.add(array)
    buffer = io.BytesIO()
    np.save(buffer, faiss.serialize_index(index), allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode()


def chunk_of(text: str, number: int, **metadata: Any) -> str:
    """Return a chunk as a release of the 0.2 line wrote it."""
    return json.dumps(
        {
            "content": text,
            "metadata": {
                "document_id": f"doc-{number}",
                "title": f"Page {number}",
                "docs_url": f"https://docs.example.com/{number}",
                "tokens": 12,
                **metadata,
            },
            "embedding": None,
            "stored_chunk_id": f"chunk-{number}",
            "chunk_metadata": None,
        }
    )


def rows_of(
    texts: Sequence[str], vectors: Sequence[Sequence[float]], *, store_id: str = "vs_ocp"
) -> dict[str, str]:
    """Return the rows of a store."""
    chunks = {str(number): chunk_of(text, number) for number, text in enumerate(texts)}
    return {
        f"vector_dbs:v3::{store_id}": json.dumps(
            {
                "identifier": store_id,
                "embedding_model": MODEL,
                "embedding_dimension": len(vectors[0]),
            }
        ),
        f"faiss_index:v3::{store_id}": json.dumps(
            {"chunk_by_index": chunks, "faiss_index": index_of(vectors)}
        ),
    }


def write_foreign_file(path: Path, rows: Mapping[str, str]) -> Path:
    """Write the key-value table of the stack."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE kvstore (key TEXT PRIMARY KEY, value TEXT, expiration TIMESTAMP)"
        )
        connection.executemany("INSERT INTO kvstore (key, value) VALUES (?, ?)", rows.items())
    return path
