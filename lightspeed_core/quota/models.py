"""What the quota store is asked, and what it answers. Quotas are counted in tokens."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never


class SubjectKind(StrEnum):
    """Whose tokens are counted."""

    USER = "user"
    CLUSTER = "cluster"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody whose tokens are counted."""

    kind: SubjectKind
    subject_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What one limiter grants one subject; the id of the cluster is empty."""

    limiter: str
    kind: SubjectKind
    subject_id: str = ""
    initial_quota: int

    @property
    def subject(self) -> str:
        """Name the subject to the caller."""
        match self.kind:
            case SubjectKind.USER:
                return f"User {self.subject_id}"
            case SubjectKind.CLUSTER:
                return "Cluster"
            case SubjectKind.OTHER:
                return f"Unknown subject {self.subject_id}"
            case _:
                assert_never(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a limit leaves its subject, calls that run not counted, and since when.

    `available` is negative where more was used than there was; `replenished_at` is None for a
    subject that was never seen.
    """

    limit: Limit
    available: int
    replenished_at: datetime | None = None

    @property
    def is_spent(self) -> bool:
        """Say whether nothing is left; what is left may yet be reserved by others."""
        return self.available <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Tokens that a model call may use, taken from all limits at once."""

    reservation_id: str
    limits: tuple[Limit, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a model call used."""

    user_id: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """What it is charged."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """What all calls of a user to one model used, and when the last of them was."""

    total: Usage
    updated_at: datetime
