"""Llama Stack inside this process; importing this module takes seconds.

Models are reached through the routing table's provider object and never through the stack's
router, which writes every prompt into a table of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any, override

from llama_stack.core.library_client import AsyncLlamaStackAsLibraryClient
from llama_stack.core.utils.config import redact_sensitive_fields
from llama_stack_api import (
    Api,
    DeleteChunksRequest,
    InsertChunksRequest,
    OpenAIUpdateVectorStoreRequest,
    QueryChunksRequest,
    ResourceNotFoundError,
    RunShieldRequest,
)
from llama_stack_api.inference import (
    OpenAIChatCompletionRequestWithExtraBody,
    OpenAIEmbeddingsRequestWithExtraBody,
)

from lightspeed_core.engine.llama_stack.builtin_faiss import forget_deleted
from lightspeed_core.engine.llama_stack.chunks import lean_deltas
from lightspeed_core.engine.llama_stack.in_process_stores import InProcessStores
from lightspeed_core.engine.llama_stack.run_config import DISABLED
from lightspeed_core.engine.llama_stack.stack import Json, Scored, Stack
from lightspeed_core.engine.llama_stack.version import installed_version
from lightspeed_core.engine.types import ProviderHealth
from lightspeed_core.errors import InvalidRequest
from lightspeed_stack_providers.counting import CountsTokens, TokenCount
from lightspeed_stack_providers.lean import LeanChat, LeanDelta

PROBE_SECONDS = 5.0
FILES_PER_PAGE = 100
_ROUTING_TABLES = (Api.models, Api.shields, Api.vector_stores)


class InProcessStack(Stack):
    """A booted `AsyncLlamaStackAsLibraryClient`, called without its HTTP emulation."""

    def __init__(self, client: AsyncLlamaStackAsLibraryClient) -> None:
        self._client = client
        self._impls: dict[Api, Any] = client.impls or {}
        self._providers = _provider_entries(client.config)
        stores = client.config.registered_resources.vector_stores
        self._store_order = {store.vector_store_id: index for index, store in enumerate(stores)}
        table = self._impls.get(Api.vector_stores)
        self._stores = None if table is None else InProcessStores(table, client.config)

    @override
    async def version(self) -> str:
        return installed_version()

    @override
    async def models(self) -> list[Json]:
        return [_model(model) for model in await self._listed(Api.models, "model")]

    @override
    async def shields(self) -> list[Json]:
        return [
            {
                "identifier": shield.identifier,
                "provider_id": shield.provider_id,
                "provider_resource_id": shield.provider_resource_id,
                "params": shield.params,
            }
            for shield in await self._listed(Api.shields, "shield")
        ]

    @override
    async def providers(self) -> list[Json]:
        return self._providers

    @override
    async def vector_stores(self) -> list[Json]:
        if self._stores is None:
            return []
        listed = await self._stores.list()
        last = len(self._store_order)
        return sorted(listed, key=lambda each: self._store_order.get(each["identifier"], last))

    @override
    async def describe_vector_store(self, store_id: str) -> Json:
        found = await self._impls[Api.vector_io].openai_retrieve_vector_store(store_id)
        described: Json = found.model_dump(mode="json")
        return described

    @override
    async def create_vector_store(self, body: Json) -> str:
        if self._stores is None:
            raise InvalidRequest("Not supported", "Llama Stack serves no vector stores")
        return await self._stores.create(body)

    @override
    async def update_vector_store(self, store_id: str, body: Json) -> None:
        request = OpenAIUpdateVectorStoreRequest.model_validate(body)
        await self._impls[Api.vector_io].openai_update_vector_store(store_id, request)
        await self._refresh_stores()

    @override
    async def delete_vector_store(self, store_id: str) -> bool:
        answer = await self._impls[Api.vector_io].openai_delete_vector_store(store_id)
        await self._refresh_stores()
        return bool(answer.deleted)

    @override
    async def replace_vector_store(self, store_id: str, *, by: str) -> None:
        provider = await self._impls[Api.vector_stores].get_provider_impl(store_id)
        await provider.replace_vector_store(store_id, by=by)
        await self._refresh_stores()

    @override
    async def health(self) -> list[ProviderHealth]:
        probes = [_probe(provider_id, impl) for provider_id, impl in self._provider_objects()]
        return list(await asyncio.gather(*probes))

    @override
    async def provider_types(self, api: str) -> Mapping[str, str]:
        return {
            each["provider_id"]: each["provider_type"]
            for each in self._providers
            if each["api"] == api
        }

    @override
    async def find_model(self, model: str) -> Json | None:
        table = self._impls[Api.models]
        found = await table.get_object_by_identifier("model", model)
        return _model(found) if found and found.provider_id in table.impls_by_provider_id else None

    @override
    async def find_vector_store(self, store_id: str) -> Json | None:
        return None if self._stores is None else await self._stores.find(store_id)

    @override
    async def chat(self, body: Json) -> AsyncGenerator[LeanDelta]:
        provider, own_name = await self._provider_of(body["model"])
        if isinstance(provider, LeanChat):
            deltas = provider.lean_chat({**body, "model": own_name})
        else:
            deltas = self._standard_chat(provider, {**body, "model": own_name})
        try:
            async for delta in deltas:
                yield delta
        finally:
            await _close(deltas)

    @override
    async def embed(self, body: Json) -> list[list[float]]:
        provider, own_name = await self._provider_of(body["model"])
        params = OpenAIEmbeddingsRequestWithExtraBody.model_validate({**body, "model": own_name})
        answer = await provider.openai_embeddings(params)
        return [each.embedding for each in sorted(answer.data, key=lambda each: each.index)]

    @override
    async def token_count(self, model: str) -> TokenCount | None:
        provider, own_name = await self._provider_of(model)
        return await provider.token_count(own_name) if isinstance(provider, CountsTokens) else None

    @override
    async def query(self, store_id: str, query: str, params: Json) -> list[Scored]:
        answer = await self._impls[Api.vector_io].query_chunks(
            QueryChunksRequest(vector_store_id=store_id, query=query, params=dict(params))
        )
        return [
            Scored(chunk.model_dump(exclude={"embedding"}), score)
            for chunk, score in zip(answer.chunks, answer.scores, strict=True)
        ]

    @override
    async def insert(self, store_id: str, chunks: Sequence[Json]) -> None:
        request = InsertChunksRequest.model_validate(
            {"vector_store_id": store_id, "chunks": chunks}
        )
        await self._impls[Api.vector_io].insert_chunks(request)

    @override
    def require_chunk_deletion(self, store_id: str) -> None:
        """Do nothing: every provider in this process deletes chunks."""

    @override
    async def delete_chunks(self, store_id: str, chunks: Sequence[Json]) -> None:
        request = DeleteChunksRequest.model_validate(
            {"vector_store_id": store_id, "chunks": chunks}
        )
        provider = await self._impls[Api.vector_stores].get_provider_impl(store_id)
        await provider.delete_chunks(request)
        await forget_deleted(provider, store_id)

    @override
    async def files(self, store_id: str) -> list[Json]:
        found: list[Json] = []
        after: str | None = None
        while True:
            page = await self._impls[Api.vector_io].openai_list_files_in_vector_store(
                vector_store_id=store_id, limit=FILES_PER_PAGE, order="asc", after=after
            )
            found += [{"id": each.id, "attributes": each.attributes} for each in page.data]
            if not page.has_more or not page.data:
                return found
            after = page.data[-1].id

    @override
    async def file(self, store_id: str, file_id: str) -> Json | None:
        try:
            found = await self._impls[Api.vector_io].openai_retrieve_vector_store_file(
                vector_store_id=store_id, file_id=file_id
            )
        except ResourceNotFoundError:
            return None
        return {"id": found.id, "attributes": found.attributes}

    @override
    async def contents(self, store_id: str, file_id: str, *, embedded: bool) -> list[Json]:
        answer = await self._impls[Api.vector_io].openai_retrieve_vector_store_file_contents(
            vector_store_id=store_id,
            file_id=file_id,
            include_embeddings=embedded,
            include_metadata=embedded,
        )
        return [each.model_dump(mode="json") for each in answer.data]

    @override
    async def delete_file(self, store_id: str, file_id: str) -> None:
        await self._impls[Api.vector_io].openai_delete_vector_store_file(
            vector_store_id=store_id, file_id=file_id
        )

    @override
    async def run_shield(self, shield_id: str, messages: Sequence[Json]) -> Json | None:
        request = RunShieldRequest.model_validate({"shield_id": shield_id, "messages": messages})
        answer = await self._impls[Api.safety].run_shield(request)
        return None if answer.violation is None else answer.violation.model_dump(mode="json")

    @override
    async def close(self) -> None:
        await self._client.shutdown()
        # Its unused HTTP client would otherwise be closed by a task of the garbage collector's.
        await self._client.close()

    async def _listed(self, api: Api, kind: str) -> list[Any]:
        table = self._impls.get(api)
        return [] if table is None else await table.get_all_with_type(kind)

    async def _provider_of(self, model: str) -> tuple[Any, str]:
        """Give the provider of a model and the name under which it knows the model."""
        table = self._impls[Api.models]
        provider = await table.get_provider_impl(model)
        found = await table.get_object_by_identifier("model", model)
        return provider, found.provider_resource_id

    async def _standard_chat(self, provider: Any, body: Json) -> AsyncGenerator[LeanDelta]:
        params = OpenAIChatCompletionRequestWithExtraBody(
            **body, stream=True, stream_options={"include_usage": True}
        )
        chunks = await provider.openai_chat_completion(params)
        try:
            async for delta in lean_deltas(chunks):
                yield delta
        finally:
            await _close(chunks)

    async def _refresh_stores(self) -> None:
        if self._stores is not None:
            await self._stores.refresh()

    def _provider_objects(self) -> Iterator[tuple[str, Any]]:
        for api in _ROUTING_TABLES:
            if (table := self._impls.get(api)) is not None:
                yield from table.impls_by_provider_id.items()


def _model(model: Any) -> Json:
    return {
        "identifier": model.identifier,
        "provider_id": model.provider_id,
        "provider_resource_id": model.provider_resource_id,
        "model_type": str(model.model_type),
        "metadata": model.metadata,
    }


def _provider_entries(config: Any) -> list[Json]:
    masked = redact_sensitive_fields(config.model_dump(include={"providers"}))
    return [
        {"api": api, **{key: entry[key] for key in ("provider_id", "provider_type", "config")}}
        for api, entries in masked["providers"].items()
        for entry in entries
        if entry["provider_id"] and entry["provider_id"] != DISABLED
    ]


async def _close(iterator: Any) -> None:
    """End an upstream's stream; providers return generators, SDK streams or plain iterators."""
    wrapped = _wrapped(iterator)
    await _close_itself(iterator)
    if wrapped is not None:
        await _close_itself(wrapped)


def _wrapped(iterator: Any) -> Any:
    """Return the SDK's stream in the generator around it, which ends without closing the stream.

    `OpenAIMixin._maybe_overwrite_id` names it so. Left alone it holds the connection, and the model
    goes on, until the garbage collector comes by.
    """
    frame = getattr(iterator, "ag_frame", None)
    return None if frame is None else frame.f_locals.get("resp")


async def _close_itself(iterator: Any) -> None:
    for name in ("aclose", "close"):
        close: Callable[[], Any] | None = getattr(iterator, name, None)
        if close is not None:
            closing = close()
            if asyncio.iscoroutine(closing) or isinstance(closing, asyncio.Future):
                await closing
            return


async def _probe(provider_id: str, provider: Any) -> ProviderHealth:
    """Ask a provider how it is; a remote model endpoint without an answer is asked its models."""
    ask = getattr(provider, "health", None)
    if ask is None and getattr(provider, "list_provider_model_ids", None) is not None:
        ask = provider.list_provider_model_ids
    if ask is None:
        return ProviderHealth(provider_id=provider_id, status="Not Implemented")
    try:
        answer = await asyncio.wait_for(ask(), PROBE_SECONDS)
    except NotImplementedError:
        return ProviderHealth(provider_id=provider_id, status="Not Implemented")
    except TimeoutError:
        text = f"no answer within {PROBE_SECONDS:g} s"
        return ProviderHealth(provider_id=provider_id, status="Error", message=text)
    except Exception as exc:  # noqa: BLE001 - whatever a provider raises is its state
        return ProviderHealth(provider_id=provider_id, status="Error", message=str(exc)[:300])
    if not isinstance(answer, dict):
        return ProviderHealth(provider_id=provider_id, status="OK")
    return ProviderHealth(
        provider_id=provider_id,
        status=str(getattr(answer.get("status"), "value", answer.get("status"))),
        message=str(answer.get("message") or ""),
    )
