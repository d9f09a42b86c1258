"""What can go wrong at a model's endpoint, named by cause.

`status_code` is what a Llama Stack server answers when the failure reaches it.
"""


class UpstreamFailure(Exception):
    """Base of all failures of a model's endpoint; the text is fit for an operator."""

    status_code: int = 502


class UpstreamUnreachable(UpstreamFailure):
    """No connection, or no answer in time, before anything was received."""

    status_code = 503


class UpstreamUnauthorized(UpstreamFailure):
    """The endpoint refused the credentials (401 or 403)."""


class UpstreamRateLimited(UpstreamFailure):
    """The endpoint's rate limit is used up; `retry_after` is in seconds where it said so."""

    status_code = 429

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class UpstreamContextTooLong(UpstreamFailure):
    """The prompt does not fit the model's context window."""

    status_code = 413


class UpstreamModelUnknown(UpstreamFailure):
    """The endpoint does not serve the model."""

    status_code = 404


class UpstreamRejected(UpstreamFailure):
    """The endpoint refused the request for another reason; `status` is its HTTP status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status
        self.status_code = status if 400 <= status < 500 else 502


class UpstreamCut(UpstreamFailure):
    """The answer ended before it was complete."""


class UpstreamGarbage(UpstreamFailure):
    """The endpoint answered with something that is not the protocol."""
