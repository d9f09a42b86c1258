"""The process of the model: loads it, tells where it listens, and ends when it is let go.

It is run as a file and imports nothing of its package. Its settings come as a line of JSON on
standard input, the key of the listener among them, so that neither the list of processes nor the
environment shows it.
"""

import importlib
import json
import os
import sys
from typing import Any


def main() -> None:
    """Serve until standard input ends, as it does with the process that started this one."""
    settings = json.loads(sys.stdin.readline())
    try:
        server = _serve(settings)
    except RuntimeError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{json.dumps({'address': server.listening_address})}\n")
    sys.stdout.flush()
    sys.stdin.read()
    # Nothing is to be kept, and an answer under way would delay an orderly end.
    os._exit(0)


def _serve(settings: dict[str, Any]) -> Any:
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = settings["model_path"]
    params.n_ctx = settings["context_size"] * settings["parallel"]
    params.n_parallel = settings["parallel"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.api_keys = [settings["key"]]
    params.use_jinja = True
    params.warmup = False
    params.endpoint_slots = False
    params.ui = False
    # Errors alone; more would tell of prompts.
    params.verbosity = 1
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
