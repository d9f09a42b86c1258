"""Whose tokens a caller's questions cost. Knows what callers claim, not how they were believed."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from lightspeed_core.domain.identity import Identity
from lightspeed_core.quota.models import Subject, SubjectKind

type SubjectOf = Callable[[Identity], Subject]


def user_of(caller: Identity) -> Subject:
    """Return the user."""
    return Subject(SubjectKind.USER, caller.user_id)


def organisation_of(caller: Identity) -> Subject:
    """Return the organisation that an identity of Red Hat names, without one the user."""
    identity = _identity(caller)
    name = identity.get("org_id") or _part(identity, "internal").get("org_id")
    return _named("org", name) or user_of(caller)


def system_of(caller: Identity) -> Subject:
    """Return the system that an identity of Red Hat names, without one the user."""
    name = _part(_identity(caller), "system").get("cn")
    return _named("system", name) or user_of(caller)


def _named(kind: str, name: object) -> Subject | None:
    # Their quotas stand beside those of users, whose ids may be the same.
    return Subject(SubjectKind.OTHER, f"{kind} {name}") if isinstance(name, str) and name else None


def _identity(caller: Identity) -> Mapping[str, Any]:
    return _part(caller.claims, "identity") or caller.claims


def _part(claims: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = claims.get(key)
    return cast("Mapping[str, Any]", part) if isinstance(part, Mapping) else {}
