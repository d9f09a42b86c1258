"""What a user may send along with a question, and how it enters the prompt."""

from collections.abc import Iterable, Sequence
from typing import Final

from lightspeed_core.domain.messages import Attachment
from lightspeed_core.engine.types import ModelInfo
from lightspeed_core.errors import InvalidRequest

TAKES_IMAGES: Final = "takes_images"
"""Key of a model's metadata in run.yaml; false where the model can read texts alone."""

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


def check_attachments(attachments: Sequence[Attachment], model: ModelInfo | None) -> None:
    """Raise `InvalidRequest` for an attachment of an unknown kind, or that the model cannot take.

    A model that does not say whether it takes images is tried.
    """
    for attachment in attachments:
        _check("attachment type", attachment.attachment_type, ATTACHMENT_TYPES)
        _check("attachment content type", attachment.content_type, CONTENT_TYPES)
    if model is not None and model.metadata.get(TAKES_IMAGES) is False and image_urls(attachments):
        raise InvalidRequest(
            "Images are not supported",
            f"Model {model.identifier} takes no images. "
            "Please remove the images from attachments, or choose a model that takes them.",
        )


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
