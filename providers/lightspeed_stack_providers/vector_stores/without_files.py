"""The methods of the stack's protocol that this provider does not serve, with the reason.

They cut files into chunks, which is the work of whoever inserts.
"""

from typing import NoReturn, override

from llama_stack_api import (
    OpenAIAttachFileRequest,
    OpenAICreateVectorStoreFileBatchRequestWithExtraBody,
    OpenAIUpdateVectorStoreFileRequest,
    VectorIO,
)


class WithoutFiles(VectorIO):
    """Refuses what needs the files API; the stack answers 501 with the text."""

    def refuse(self, what: str) -> NoReturn:
        """Say what is not served and what to do instead."""
        message = (
            f"This vector store does not {what}: it takes chunks, not files. "
            "Insert the chunks of a document with /v1/vector-io/insert."
        )
        raise NotImplementedError(message)

    @override
    async def openai_attach_file_to_vector_store(
        self, vector_store_id: str, request: OpenAIAttachFileRequest
    ) -> NoReturn:
        """Refuse."""
        self.refuse("attach files")

    @override
    async def openai_update_vector_store_file(
        self, vector_store_id: str, file_id: str, request: OpenAIUpdateVectorStoreFileRequest
    ) -> NoReturn:
        """Refuse."""
        self.refuse("change the attributes of a file")

    @override
    async def openai_create_vector_store_file_batch(
        self,
        vector_store_id: str,
        params: OpenAICreateVectorStoreFileBatchRequestWithExtraBody,
    ) -> NoReturn:
        """Refuse."""
        self.refuse("attach batches of files")

    @override
    async def openai_retrieve_vector_store_file_batch(
        self, batch_id: str, vector_store_id: str
    ) -> NoReturn:
        """Refuse."""
        self.refuse("attach batches of files")

    @override
    async def openai_list_files_in_vector_store_file_batch(
        self,
        batch_id: str,
        vector_store_id: str,
        after: str | None = None,
        before: str | None = None,
        filter: str | None = None,
        limit: int | None = 20,
        order: str | None = "desc",
    ) -> NoReturn:
        """Refuse."""
        self.refuse("attach batches of files")

    @override
    async def openai_cancel_vector_store_file_batch(
        self, batch_id: str, vector_store_id: str
    ) -> NoReturn:
        """Refuse."""
        self.refuse("attach batches of files")
