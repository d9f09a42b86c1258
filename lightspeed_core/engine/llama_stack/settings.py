"""What the adapter is told; it knows nothing of the service's configuration file."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Resource(StrEnum):
    """What a configuration can rely on."""

    MODEL = "model"
    SHIELD = "shield"
    VECTOR_STORE = "vector store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliance:
    """A resource that the configuration names, and the place where it does so.

    `place` is shown to the operator, for example `lightspeed-stack.yaml: inference.default_model`.
    """

    resource: Resource
    name: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How to reach Llama Stack: in-process from `run_config`, or as a server at `url`.

    Times are in seconds. `timeout` bounds one answer of a server, `boot_wait_seconds` how long a
    call waits for the boot. `max_retries`, `retry_delay` and `allow_degraded_mode` concern the
    start against a server.
    """

    library_mode: bool = True
    run_config: Path | None = None
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    data_dir: Path
    timeout: float = 180.0
    max_retries: int = 5
    retry_delay: float = 2.0
    allow_degraded_mode: bool = False
    boot_wait_seconds: float = 60.0
    relies_on: tuple[Reliance, ...] = ()
