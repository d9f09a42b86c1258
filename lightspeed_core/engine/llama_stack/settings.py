"""What the adapter is told; of the service's own file only what describes a run.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from lightspeed_core.config.inference import InferenceProvider
from lightspeed_core.config.llama_stack import UnifiedLlamaStackConfiguration
from lightspeed_core.config.rag import RagBackend
from lightspeed_core.config.vector_store import VectorStoreConfiguration
from lightspeed_core.http.settings import OutboundSettings


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
class RunConfigSections:
    """Sections of the service's own file from which a run.yaml is built at the boot.

    `default_baseline` is the run.yaml that baseline `default` stands for. `default_models` maps
    providers to their model that has to be listed.
    """

    config: UnifiedLlamaStackConfiguration
    inference: tuple[InferenceProvider, ...] = ()
    vector_store: VectorStoreConfiguration
    default_baseline: Path
    default_models: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStore:
    """A vector store that the service's own file describes, whatever run.yaml says.

    `place` is where it does so. `backend` is None for a type that only a run.yaml can serve,
    `postgres` holds what the file says of the database, under the words of run.yaml.
    """

    place: str
    name: str
    store_id: str
    backend: RagBackend | None
    embedding_model: str
    embedding_dimension: int
    db_path: Path | None = None
    postgres: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStores:
    """Stores that join those of run.yaml, and where models that embedded them are.

    `folders` maps names of models to their folders; `taken_in` are stores that need not be whole
    yet, for they are being imported.
    """

    stores: tuple[OwnStore, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict[str, str])
    taken_in: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How to reach Llama Stack: in-process from `run_config`, or as a server at `url`.

    In-process, `sections` stand for a `run_config` that is built from them, `own_stores` join
    the stores of either, and the model in `embedding_folder` takes the place of its default one.
    Times are in seconds. `timeout` bounds one answer of a server, `boot_wait_seconds` how long a
    call waits for the boot. `max_retries` and `retry_delay` concern the start against a server.
    """

    library_mode: bool = True
    run_config: Path | None = None
    sections: RunConfigSections | None = None
    own_stores: OwnStores = field(default_factory=OwnStores)
    embedding_folder: Path | None = None
    url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    data_dir: Path
    outbound: OutboundSettings = field(default_factory=OutboundSettings)
    timeout: float = 180.0
    max_retries: int = 5
    retry_delay: float = 2.0
    allow_degraded_mode: bool = False
    boot_wait_seconds: float = 60.0
    relies_on: tuple[Reliance, ...] = ()
