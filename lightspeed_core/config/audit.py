"""Section `audit`: where decisions over requests are written, and for how long they are kept."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from lightspeed_core.config.retention import Days
from lightspeed_core.config.section import Section


class OnAuditFailure(StrEnum):
    """What becomes of requests while decisions cannot be stored."""

    CONTINUE = "continue"
    REFUSE = "refuse"


class AuditConfiguration(Section):
    """Where decisions over requests are written, and for how long they are kept."""

    log: bool = Field(
        default=True,
        description="Whether decisions are logged, one line each, by `lightspeed_core.audit`.",
    )
    directory: Path | None = Field(
        default=None,
        description="Directory of the hash-chained files of decisions; unset: no files.",
    )
    key_path: Path | None = Field(
        default=None,
        description="File with the secret key of the chain (HMAC-SHA256); unset: plain SHA-256.",
    )
    retention_days: Days | None = Field(
        default=None, description="Days until a file of the chain is deleted; unset: never."
    )
    on_failure: OnAuditFailure = Field(
        default=OnAuditFailure.CONTINUE,
        description="While decisions cannot be stored in `directory`: `continue` answers requests "
        "and counts what is lost, `refuse` answers 503.",
    )

    @model_validator(mode="after")
    def _check_directory(self) -> Self:
        if self.directory is None:
            defaults = type(self).model_fields
            for key in ("key_path", "retention_days", "on_failure"):
                if getattr(self, key) != defaults[key].default:
                    raise ValueError(f"{key} needs directory, where the files of the chain are")
        return self
