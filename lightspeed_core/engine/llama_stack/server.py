"""A Llama Stack in another process, over its HTTP interface; importing this takes a while.

What a search or a call must look up first is remembered for a while, so that it costs no
requests; what is listed for a caller is always asked anew.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, override
from urllib.parse import quote

from lightspeed_core.engine.llama_stack.server_client import ServerClient
from lightspeed_core.engine.llama_stack.stack import Json, Scored, Stack
from lightspeed_core.engine.llama_stack.vector_stores import DOCUMENT_STORES
from lightspeed_core.engine.types import ProviderHealth
from lightspeed_core.errors import InvalidRequest
from lightspeed_stack_providers.counting import TokenCount
from lightspeed_stack_providers.lean import LeanDelta

REMEMBERED_SECONDS = 60.0
PAGE = 100
_MODEL_KEYS = frozenset({"model_type", "provider_id", "provider_resource_id"})


class Remembered[T]:
    """What was asked a while ago at most."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._answer: tuple[float, T] | None = None

    async def get(self) -> T:
        """Give the last answer, or ask when it is too old."""
        if self._answer is None or time.monotonic() - self._answer[0] > REMEMBERED_SECONDS:
            return await self.ask()
        return self._answer[1]

    async def ask(self) -> T:
        """Ask anew."""
        answer = await self._ask()
        self._answer = (time.monotonic(), answer)
        return answer


class StackServer(Stack):
    """A server that was reached."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client
        self._known_providers = Remembered(self._listed_providers)
        self._known_models = Remembered(self.models)
        self._known_stores = Remembered(self.vector_stores)

    @override
    async def version(self) -> str:
        return str((await self._client.get("/version"))["version"])

    @override
    async def models(self) -> list[Json]:
        return [_model(each) for each in (await self._client.get("/models"))["data"]]

    @override
    async def shields(self) -> list[Json]:
        listed = (await self._client.get("/shields"))["data"]
        keys = ("identifier", "provider_id", "provider_resource_id", "params")
        return [{key: each.get(key) for key in keys} for each in listed]

    @override
    async def providers(self) -> list[Json]:
        return await self._known_providers.ask()

    @override
    async def provider_types(self, api: str) -> Mapping[str, str]:
        return {
            each["provider_id"]: each["provider_type"]
            for each in await self._known_providers.get()
            if each["api"] == api
        }

    @override
    async def vector_stores(self) -> list[Json]:
        types = await self.provider_types("vector_io")
        if not types:
            return []
        listed = await self._pages("/vector_stores")
        return [_store(each, types) for each in listed]

    @override
    async def describe_vector_store(self, store_id: str) -> Json:
        return await self._client.get(_path(store_id))

    @override
    async def create_vector_store(self, body: Json) -> str:
        if "store_id" in body:
            raise InvalidRequest(
                "Not supported", "A Llama Stack server chooses the ids of vector stores itself"
            )
        made = await self._client.post("/vector_stores", body)
        await self._known_stores.ask()
        return str(made["id"])

    @override
    async def update_vector_store(self, store_id: str, body: Json) -> None:
        await self._client.post(_path(store_id), body)
        await self._known_stores.ask()

    @override
    async def delete_vector_store(self, store_id: str) -> bool:
        answer = await self._client.delete(_path(store_id))
        await self._known_stores.ask()
        return bool(answer.get("deleted", True))

    @override
    async def replace_vector_store(self, store_id: str, *, by: str) -> None:
        raise InvalidRequest(
            "Not supported",
            f"A Llama Stack server offers no way to replace vector store {store_id} by {by}",
        )

    @override
    async def find_model(self, model: str) -> Json | None:
        return await _find(self._known_models, model)

    @override
    async def find_vector_store(self, store_id: str) -> Json | None:
        return await _find(self._known_stores, store_id)

    @override
    async def health(self) -> list[ProviderHealth]:
        return [
            ProviderHealth(
                provider_id=each["provider_id"],
                status=str(each["health"]["status"]),
                message=str(each["health"].get("message") or ""),
            )
            for each in await self._known_providers.ask()
        ]

    @override
    async def chat(self, body: Json) -> AsyncGenerator[LeanDelta]:
        streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
        deltas = self._client.stream("/chat/completions", streamed)
        try:
            async for delta in deltas:
                yield delta
        finally:
            await deltas.aclose()

    @override
    async def embed(self, body: Json) -> list[list[float]]:
        data = (await self._client.post("/embeddings", body))["data"]
        return [each["embedding"] for each in sorted(data, key=lambda each: each["index"])]

    @override
    async def token_count(self, model: str) -> TokenCount | None:
        """Give nothing: the tokenizer is where the model is."""
        return None

    @override
    async def query(self, store_id: str, query: str, params: Json) -> list[Scored]:
        body = {"vector_store_id": store_id, "query": query, "params": dict(params)}
        answer = await self._client.post("/vector-io/query", body)
        # An infinite score arrives as null.
        pairs = zip(answer["chunks"], answer["scores"], strict=True)
        return [Scored(chunk, score) for chunk, score in pairs]

    @override
    async def insert(self, store_id: str, chunks: Sequence[Json]) -> None:
        body = {"vector_store_id": store_id, "chunks": list(chunks)}
        await self._client.post("/vector-io/insert", body)

    @override
    def require_chunk_deletion(self, store_id: str) -> None:
        raise InvalidRequest(
            "Not supported",
            f"A Llama Stack server offers no way to delete chunks of vector store {store_id}",
        )

    @override
    async def delete_chunks(self, store_id: str, chunks: Sequence[Json]) -> None:
        self.require_chunk_deletion(store_id)

    @override
    async def files(self, store_id: str) -> list[Json]:
        listed = await self._pages(_path(store_id, "files"))
        return [{"id": each["id"], "attributes": each["attributes"]} for each in listed]

    @override
    async def file(self, store_id: str, file_id: str) -> Json | None:
        listed = await self.files(store_id)
        return next((each for each in listed if each["id"] == file_id), None)

    @override
    async def contents(self, store_id: str, file_id: str, *, embedded: bool) -> list[Json]:
        _require_plain(file_id)
        wanted = "true" if embedded else "false"
        answer = await self._client.get(
            _path(store_id, "files", file_id, "content"),
            include_embeddings=wanted,
            include_metadata=wanted,
        )
        return answer["data"]

    @override
    async def delete_file(self, store_id: str, file_id: str) -> None:
        _require_plain(file_id)
        await self._client.delete(_path(store_id, "files", file_id))

    @override
    async def run_shield(self, shield_id: str, messages: Sequence[Json]) -> Json | None:
        body = {"shield_id": shield_id, "messages": list(messages)}
        return (await self._client.post("/safety/run-shield", body)).get("violation")

    @override
    async def close(self) -> None:
        await self._client.close()

    async def _listed_providers(self) -> list[Json]:
        return (await self._client.get("/providers"))["data"]

    async def _pages(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = await self._client.get(path, limit=PAGE, order="asc", **after)
            found += page["data"]
            if not page.get("has_more") or not page["data"]:
                return found
            after = {"after": page["data"][-1]["id"]}


def _path(store_id: str, *parts: str) -> str:
    return "/".join(quote(part, safe="") for part in ("", "vector_stores", store_id, *parts))


def _require_plain(file_id: str) -> None:
    if "/" in file_id:
        # The server decodes the path before it matches its routes.
        raise InvalidRequest(
            "Not supported", f"A Llama Stack server cannot be asked for '{file_id}': it has a slash"
        )


async def _find(known: Remembered[list[Json]], identifier: str) -> Json | None:
    found = _with_identifier(await known.get(), identifier)
    return found or _with_identifier(await known.ask(), identifier)


def _with_identifier(listed: Iterable[Json], identifier: str) -> Json | None:
    return next((each for each in listed if each["identifier"] == identifier), None)


def _model(listed: Json) -> Json:
    described = listed.get("custom_metadata") or {}
    return {
        "identifier": listed["id"],
        "provider_id": described.get("provider_id"),
        "provider_resource_id": described.get("provider_resource_id"),
        "model_type": described.get("model_type"),
        "metadata": {key: each for key, each in described.items() if key not in _MODEL_KEYS},
    }


def _store(listed: Json, types: Mapping[str, str]) -> Json:
    described = listed.get("metadata") or {}
    return {
        "identifier": listed["id"],
        "name": listed.get("name"),
        "provider_id": described.get("provider_id") or _unnamed_provider(types),
        "embedding_model": described.get("embedding_model") or "",
        "embedding_dimension": described.get("embedding_dimension") or 0,
        "wanted_model": described.get("wanted_model"),
    }


def _unnamed_provider(types: Mapping[str, str]) -> str:
    """Give the provider of a store that does not say its own: of our kind, or the first."""
    ours = (each for each, provider_type in types.items() if provider_type in DOCUMENT_STORES)
    return next(ours, next(iter(types)))
