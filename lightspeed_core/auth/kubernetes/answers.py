"""Reads the answers of a Kubernetes API; what is not said plainly is an error and never a yes."""

from typing import Any, cast

import orjson

from lightspeed_core.auth.kubernetes.api import KubernetesUser


class UnreadableAnswer(ValueError):
    """The answer has not the form that the API's reference gives it."""


def user_in(body: bytes) -> KubernetesUser | None:
    """Read a TokenReview: whose token it was, None when it was not accepted.

    The API leaves `authenticated` out where it is false.
    """
    status = _mapping(_mapping(_json(body)).get("status"))
    match status.get("authenticated", False):
        case False:
            return None
        case True:
            return _user(_mapping(status.get("user")))
        case _:
            raise UnreadableAnswer("authenticated is no boolean")


def is_allowed_in(body: bytes) -> bool:
    """Read a SubjectAccessReview."""
    status = _mapping(_mapping(_json(body)).get("status"))
    allowed, denied = status.get("allowed"), status.get("denied", False)
    if not isinstance(allowed, bool) or not isinstance(denied, bool):
        raise UnreadableAnswer("allowed or denied is no boolean")
    return allowed and not denied


def cluster_id_in(body: bytes) -> str:
    """Read `spec.clusterID` of a ClusterVersion."""
    return _text(_mapping(_mapping(_json(body)).get("spec")).get("clusterID"))


def _user(user: dict[str, Any]) -> KubernetesUser:
    extra = _mapping(user.get("extra") or {})
    return KubernetesUser(
        username=_text(user.get("username")),
        uid=_text(user["uid"]) if user.get("uid") else "",
        groups=_texts(user.get("groups")),
        extra={key: _texts(values) for key, values in extra.items()},
    )


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableAnswer("the answer is no JSON") from error


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableAnswer("an object is missing")
    return cast("dict[str, Any]", value)


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list | None):
        raise UnreadableAnswer("a list is missing")
    return tuple(_text(value) for value in cast("list[object]", values or []))


def _text(value: object) -> str:
    # Ids become keys of our stores, and PostgreSQL holds no NUL.
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise UnreadableAnswer("a text is missing")
    return value
