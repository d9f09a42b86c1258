"""Bodies of `/v1/files`, in the words of OpenAI's files API."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, Self

from fastapi import Path
from pydantic import BaseModel, Field

from lightspeed_core.files import models

_ID: Final = "file-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
_NAME: Final = "installation.pdf"

FileId = Annotated[str, Path(description="Id of a file.", examples=[_ID])]

FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The file, with its name. Other fields are passed over.",
                        },
                    },
                },
                "example": {"file": "# Notes"},
            }
        },
    }
}
"""The form that takes a file, for the description of the API."""


class File(BaseModel):
    """A file that was handed over."""

    id: str = Field(examples=[_ID])
    filename: str = Field(examples=[_NAME])
    bytes: int = Field(description="Its size.", examples=[182_344])
    created_at: int = Field(description="Seconds since 1970.", examples=[1763391371])
    purpose: Literal["assistants"] = "assistants"
    object: Literal["file"] = "file"

    @classmethod
    def of(cls, file: models.StoredFile) -> Self:
        """Show a file as it is stored."""
        return cls(
            id=file.file_id,
            filename=file.filename,
            bytes=file.size,
            created_at=int(file.created_at.timestamp()),
        )


class FilesResponse(BaseModel):
    """The caller's files, the newest first."""

    data: list[File]
    object: Literal["list"] = "list"

    @classmethod
    def of(cls, files: Iterable[models.StoredFile]) -> Self:
        """Show files as they are stored."""
        return cls(data=[File.of(file) for file in files])


class FileDeleted(BaseModel):
    """What a deletion came to."""

    deleted: bool = Field(description="False when there was no such file.")
    response: str = Field(examples=["File deleted successfully"])
    file_id: str = Field(examples=[_ID])

    @classmethod
    def of(cls, file_id: str, *, deleted: bool) -> Self:
        """Say whether there was something to delete."""
        outcome = "File deleted successfully" if deleted else "File not found"
        return cls(deleted=deleted, response=outcome, file_id=file_id)
