"""What accompanies a question. Only what a body alone can show is checked here."""

import base64
import binascii
from typing import Any, Final, Self

from pydantic import ConfigDict, Field, model_validator

from lightspeed_core.api.schemas.identifiers import Text
from lightspeed_core.api.schemas.requests import RequestBody
from lightspeed_core.assistant.attachments import ATTACHMENT_TYPES, CONTENT_TYPES

_IMAGE: Final = "image"
_IMAGE_SIGNATURES: Final = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff"}
_LARGEST_IMAGE_BYTES: Final = 104_857_600

_BASE64_END: Final = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_IMAGE_PATTERNS: Final = {
    "image/png": f"^iVBOR[w-z0-9+/][A-Za-z0-9+/]{{2}}{_BASE64_END}",
    "image/jpeg": f"^/9j/{_BASE64_END}",
}
"""How the signatures above look in base64."""


def _kinds() -> list[dict[str, Any]]:
    """Describe which types belong together; shown, and checked in words of our own."""
    texts = {
        "attachment_type": {"enum": [each for each in ATTACHMENT_TYPES if each != _IMAGE]},
        "content_type": {"enum": [each for each in CONTENT_TYPES if each not in _IMAGE_PATTERNS]},
    }
    images = [
        {
            "attachment_type": {"const": _IMAGE},
            "content_type": {"const": content_type},
            "content": {"pattern": pattern},
        }
        for content_type, pattern in _IMAGE_PATTERNS.items()
    ]
    return [{"properties": properties} for properties in (texts, *images)]


class Attachment(RequestBody):
    """A text or an image; which types are known is judged later, after the model."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"anyOf": list[Any](_kinds())})

    attachment_type: Text = Field(description="What it is.", examples=["log"])
    content_type: Text = Field(description="Its media type.", examples=["text/plain"])
    content: Text = Field(
        description="The text, or an image in base64.", examples=["warning: quota exceeded"]
    )

    @model_validator(mode="after")
    def _check_image(self) -> Self:
        signature = _IMAGE_SIGNATURES.get(self.content_type)
        if (self.attachment_type == _IMAGE) != (signature is not None):
            raise ValueError(
                "attachment_type and content_type are inconsistent: "
                f"attachment_type='{self.attachment_type}', content_type='{self.content_type}'"
            )
        if signature is not None:
            _check_image_content(self.content, self.content_type, signature)
        return self


def _check_image_content(content: str, content_type: str, signature: bytes) -> None:
    try:
        image = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"Invalid base64 content for image attachment: {error}") from None
    if len(image) > _LARGEST_IMAGE_BYTES:
        raise ValueError(
            f"Image attachment ({len(image)} bytes) exceeds maximum allowed size "
            f"({_LARGEST_IMAGE_BYTES} bytes)"
        )
    if not image.startswith(signature):
        raise ValueError(
            f"Image content does not match declared content_type '{content_type}': "
            "invalid image data"
        )
