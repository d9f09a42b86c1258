"""What Llama Stack reads from the environment, set before its import; imports none of it."""

from collections.abc import MutableMapping
from pathlib import Path

from lightspeed_core.errors import ConfigurationError

DATA_DIR_VARIABLE = "LIGHTSPEED_DATA_DIR"

_TOKENIZER_DIR = Path(__file__).parent / "tokenizer"

_DEFAULTS = {
    # Its console format renders tracebacks with colours and stops the event loop for seconds.
    "LLAMA_STACK_LOG_FORMAT": "json",
    # At `info` its vector stores log the questions.
    "LLAMA_STACK_LOGGING": "all=warning",
    # Built-in vector stores load a tokenizer that would otherwise come from the network.
    "TIKTOKEN_CACHE_DIR": str(_TOKENIZER_DIR),
    "HF_HUB_OFFLINE": "1",
}


def set_defaults(environ: MutableMapping[str, str]) -> None:
    """Set what is not set, and create nothing."""
    for name, value in _DEFAULTS.items():
        environ.setdefault(name, value)


def prepare_environment(data_dir: Path, environ: MutableMapping[str, str]) -> None:
    """Set what is not set, and the data directory, which run.yaml refers to.

    The directory is created with mode 0700. Raises `ConfigurationError` when it cannot be.
    """
    set_defaults(environ)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigurationError(
            f"{DATA_DIR_VARIABLE}: the data directory '{data_dir}' cannot be created: "
            f"{exc.strerror}"
        ) from exc
    environ[DATA_DIR_VARIABLE] = str(data_dir)
