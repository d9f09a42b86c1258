"""What becomes of a stored document when chunks of one of its versions arrive. Pure."""

from typing import Literal

from llama_stack_api import ConflictError

from lightspeed_stack_providers.vector_stores.chunks import NewDocument

type Step = Literal["keep", "describe", "replace"]


def step_for(new: NewDocument, *, content_hash: str | None, has_text: bool) -> Step:
    """Keep the document, describe it anew, or replace it with all of its chunks.

    `content_hash` and `has_text` are those of what is stored. Raises `ConflictError` for chunks
    of a version that was replaced. A document that comes whole is described anew in any case.
    """
    same_version = new.content_hash == content_hash
    if new.text is None and has_text:
        if not same_version and new.content_hash is not None:
            raise ConflictError(
                f"Document '{new.document_id}' has the content hash {content_hash} by "
                f"now; chunks of its version {new.content_hash} were not stored."
            )
        return "keep"
    if same_version and has_text and content_hash is not None and not new.is_whole:
        return "keep"
    return "replace" if not same_version and new.text is not None else "describe"
