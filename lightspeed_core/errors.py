"""The error taxonomy: named by cause, free of HTTP.

Every error carries two texts for the caller: `message`, short and stable, and `cause`, which
names what happened. How they look on the wire is decided in `lightspeed_core.api.errors`.
"""

from typing import ClassVar


class LightspeedError(Exception):
    """Base of all errors that a caller may see.

    `retry_after` is in seconds and set only where trying again later makes sense.
    """

    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, cause: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{message}: {cause}")
        self.message = message
        self.cause = cause
        self.retry_after = retry_after


class InvalidRequest(LightspeedError):
    """The request is well-formed but asks for something that cannot be done."""

    code = "invalid_request"


class UnreadableFile(InvalidRequest):
    """A file cannot become a document; its name and the reason are for whoever sent it."""

    code = "unreadable_file"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__("File could not be read", f"{name} {reason}")
        self.name = name
        self.reason = reason


class MalformedRequest(LightspeedError):
    """The request cannot be read at all, for example an id of the wrong form."""

    code = "malformed_request"

    @classmethod
    def of_id(cls, resource: str, resource_id: str) -> "MalformedRequest":
        """Name an id that has not the form of the resource's ids."""
        return cls(
            f"Invalid {resource} ID format", f"The {resource} ID {resource_id} has invalid format."
        )


class HeadTooLarge(LightspeedError):
    """The request line and its headers are more than is taken."""

    code = "head_too_large"

    def __init__(self, cause: str) -> None:
        super().__init__("Request header fields too large", cause)


class RequestTooSlow(LightspeedError):
    """The client took too long to send its request."""

    code = "request_too_slow"

    def __init__(self, cause: str) -> None:
        super().__init__("Request timeout", cause)


class Unauthenticated(LightspeedError):
    """The caller's credentials are missing or wrong."""

    code = "unauthenticated"

    def __init__(self, cause: str) -> None:
        super().__init__("Missing or invalid credentials provided by client", cause)


class ToolAuthRequired(LightspeedError):
    """A server of tools asks for credentials; `challenge` is its `WWW-Authenticate`."""

    code = "tool_auth_required"
    challenge: str | None = None

    def __init__(self, place: str, challenge: str | None = None) -> None:
        super().__init__(
            "Missing or invalid credentials provided by client",
            f"MCP server at {place} requires OAuth",
        )
        self.challenge = challenge


class Forbidden(LightspeedError):
    """The caller is known and may not do this."""

    code = "forbidden"

    @classmethod
    def of_endpoint(cls, user_id: str) -> "Forbidden":
        """Name a caller who may not use what they asked for."""
        return cls(
            "User does not have permission to access this endpoint",
            f"User {user_id} is not authorized to access this endpoint.",
        )


class NotFound(LightspeedError):
    """The named resource does not exist."""

    code = "not_found"

    def __init__(self, resource: str, resource_id: str | None = None) -> None:
        name = resource.title()
        cause = (
            f"{name} with ID {resource_id} does not exist"
            if resource_id is not None
            else f"No {name} is configured"
        )
        super().__init__(f"{name} not found", cause)
        self.resource = resource
        self.resource_id = resource_id


class Conflict(LightspeedError):
    """The request contradicts the present state, for example a turn that waited too long."""

    code = "conflict"

    @classmethod
    def of_name(cls, resource: str, name: str) -> "Conflict":
        """Name a resource that cannot be made, for there is one of that name."""
        title = resource.title()
        return cls(f"{title} already exists", f"{title} with name '{name}' is already registered")


class PromptTooLong(LightspeedError):
    """The question does not fit the model's context window."""

    code = "prompt_too_long"

    def __init__(self, model: str | None = None) -> None:
        cause = (
            f"The input exceeds the context window size of model '{model}'."
            if model
            else "The prompt exceeds the maximum allowed length."
        )
        super().__init__("Prompt is too long", cause)


class QuotaExceeded(LightspeedError):
    """A quota of ours or a rate limit of the model's provider is used up."""

    code = "quota_exceeded"

    @classmethod
    def of_model(cls, model: str, retry_after: float | None = None) -> "QuotaExceeded":
        """Name the rate limit of the provider that serves `model`."""
        return cls(
            "The model quota has been exceeded",
            f"The token quota for model {model} has been exceeded.",
            retry_after=retry_after,
        )

    @classmethod
    def of_subject(cls, subject: str, retry_after: float | None = None) -> "QuotaExceeded":
        """Name whose quota is used up, such as `Cluster`."""
        return cls(
            "The quota has been exceeded",
            f"{subject} has no available tokens",
            retry_after=retry_after,
        )

    @classmethod
    def of_shortage(cls, subject: str, needed: int, *, retry_after: float) -> "QuotaExceeded":
        """Name whose tokens are all reserved by turns that run."""
        return cls(
            "The quota has been exceeded",
            f"{subject} has 0 tokens, but {needed} tokens are needed: "
            "turns that run have reserved what is left",
            retry_after=retry_after,
        )


class AuthenticationUnavailable(LightspeedError):
    """Who the caller is cannot be found out, for what must be asked does not answer."""

    code = "authentication_unavailable"

    def __init__(self, cause: str, *, backend: str, retry_after: float | None = None) -> None:
        super().__init__(f"Unable to connect to {backend}", cause, retry_after=retry_after)


class Overloaded(LightspeedError):
    """The service does as much as it can at once; trying again soon helps."""

    code = "overloaded"

    def __init__(self, cause: str, *, retry_after: float) -> None:
        super().__init__("Service is overloaded", cause, retry_after=retry_after)


class BodyTooLarge(LightspeedError):
    """The request's body is longer than the service reads."""

    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(
            "Request body is too large", f"The request body exceeds the limit of {limit} bytes."
        )


class FileTooLarge(BodyTooLarge):
    """A file is larger than those that are kept."""

    code = "file_too_large"

    def __init__(self, size: int, limit: int) -> None:
        LightspeedError.__init__(
            self,
            "File too large",
            f"File size {size} bytes exceeds maximum allowed size of {limit} bytes "
            f"({limit // 1024**2} MB)",
        )


class Misdirected(LightspeedError):
    """The request names a host that this service does not answer for (RFC 9110, 15.5.20)."""

    code = "misdirected"

    def __init__(self, cause: str) -> None:
        super().__init__("Host is not served", cause)


class UnsupportedMedia(LightspeedError):
    """The request's body is of a type or an encoding that the service does not read."""

    code = "unsupported_media"

    def __init__(self, cause: str) -> None:
        super().__init__("Content type is not supported", cause)


class EngineUnavailable(LightspeedError):
    """Llama Stack, or the model endpoint behind it, cannot be reached or has not booted."""

    code = "engine_unavailable"

    def __init__(
        self, cause: str, *, backend: str = "Llama Stack", retry_after: float | None = None
    ) -> None:
        super().__init__(f"Unable to connect to {backend}", cause, retry_after=retry_after)


class EngineFailed(LightspeedError):
    """The engine answered and then failed: cut in mid-stream, garbage, an error of its own."""

    code = "engine_failed"

    def __init__(self, cause: str) -> None:
        super().__init__("Error while processing query", cause)


class StoreUnavailable(LightspeedError):
    """A database of ours does not answer."""

    code = "store_unavailable"

    def __init__(self, cause: str = "Failed to query the database") -> None:
        super().__init__("Database query failed", cause)


class StorageFailed(LightspeedError):
    """A write that was the request itself could not be done, for example on a full disk."""

    code = "storage_failed"


class NotReady(LightspeedError):
    """The service is still preparing what was asked for; trying again soon helps."""

    code = "not_ready"

    def __init__(self, cause: str, *, retry_after: float) -> None:
        super().__init__("Service is not ready", cause, retry_after=retry_after)


class InternalError(LightspeedError):
    """A fault of ours; the details are in the log."""

    code = "internal_error"

    def __init__(
        self, cause: str = "An unexpected error occurred while processing the request."
    ) -> None:
        super().__init__("Internal server error", cause)


class ConfigurationError(LightspeedError):
    """The service cannot start as configured; the cause says where and what would be right."""

    code = "configuration_error"

    def __init__(self, cause: str) -> None:
        super().__init__("Configuration is not valid", cause)

    def __str__(self) -> str:
        return self.cause


def error_of_code(code: str, message: str, cause: str) -> LightspeedError:
    """Build the error that a stored code stands for; an unknown code is an internal error."""
    kind = _kinds(LightspeedError).get(code, InternalError)
    error = kind.__new__(kind)
    LightspeedError.__init__(error, message, cause)
    return error


def _kinds(base: type[LightspeedError]) -> dict[str, type[LightspeedError]]:
    kinds = {base.code: base}
    for kind in base.__subclasses__():
        kinds |= _kinds(kind)
    return kinds
