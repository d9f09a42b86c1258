"""What a user may send along with a question, and how it enters the prompt."""

from collections.abc import Iterable

from lightspeed_core.domain.messages import Attachment
from lightspeed_core.errors import InvalidRequest

ATTACHMENT_TYPES = (
    "alert",
    "api object",
    "configuration",
    "error message",
    "event",
    "image",
    "log",
    "stack trace",
)
CONTENT_TYPES = (
    "application/json",
    "application/xml",
    "application/yaml",
    "image/jpeg",
    "image/png",
    "text/plain",
)


def check_attachments(attachments: Iterable[Attachment]) -> None:
    """Raise `InvalidRequest` for the first attachment of an unknown kind."""
    for attachment in attachments:
        _check("attachment type", attachment.attachment_type, ATTACHMENT_TYPES)
        _check("attachment content type", attachment.content_type, CONTENT_TYPES)


def _check(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidRequest(
            "Invalid attribute value",
            f"Invalid {what} {value}: must be one of {', '.join(allowed)}",
        )


def with_attachments(question: str, attachments: Iterable[Attachment]) -> str:
    """Append textual attachments to the question, each under its type."""
    parts = [question]
    parts.extend(
        f"[Attachment: {attachment.attachment_type}]\n{attachment.content}"
        for attachment in attachments
        if not _is_image(attachment)
    )
    return "\n\n".join(parts)


def image_urls(attachments: Iterable[Attachment]) -> tuple[str, ...]:
    """Return the images among the attachments as data URLs."""
    return tuple(
        f"data:{attachment.content_type};base64,{attachment.content}"
        for attachment in attachments
        if _is_image(attachment)
    )


def _is_image(attachment: Attachment) -> bool:
    return attachment.content_type.startswith("image/")
