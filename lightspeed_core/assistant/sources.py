"""Vector stores as clients know them: under which name, who may read them, how they weigh.

A store that a caller may not read is left out here, before anything is searched or counted, so
nothing above can tell it from one that does not exist. It searches nothing itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lightspeed_core.domain.identity import Identity
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import SearchMode, VectorStoreInfo
from lightspeed_core.errors import NotFound

EVERYBODY: Final = "*"
"""The role of every caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """What the configuration says of a store; `name` is what clients call it.

    `cutoff` is the lowest score that counts, as the store itself gives it.
    """

    name: str
    store_id: str
    multiplier: float = 1.0
    cutoff: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """What the configuration says of all stores.

    `inline` and `tool` are the stores that each way searches; with both empty all are searched
    inline. `access` are the roles that may read a store, by its name or id; a store without any is
    open. `byok_chunks` is the most that the stores of `byok` give together, `tool_chunks` what one
    call of the tool gives.
    """

    byok: tuple[StoreSettings, ...] = ()
    access: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    inline: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    byok_chunks: int = 10
    tool_chunks: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A store that its caller may read.

    `lowest` is the lowest score that counts, as the engine gives it, in [0, 1]; `mode` how the
    store is searched, None for the best way that it has.
    """

    name: str
    store: VectorStoreInfo
    multiplier: float = 1.0
    lowest: float = 0.0
    mode: SearchMode | None = None
    is_byok: bool = False

    @property
    def store_id(self) -> str:
        """The id that the engine knows."""
        return self.store.store_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Where a turn looks: before the model is called, and when the model asks."""

    inline: tuple[Source, ...] = ()
    tool: tuple[Source, ...] = ()


class Sources:
    """The stores that the engine lists, as callers may see them."""

    def __init__(self, engine: Engine, settings: SourceSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._byok = {each.store_id: each for each in settings.byok}

    async def readable(self, caller: Identity) -> tuple[Source, ...]:
        """Return the stores that the caller may read, in the engine's order."""
        listed = await self._engine.vector_stores()
        return tuple(
            source for source in map(self._source, listed) if self._may_read(caller, source)
        )

    async def get(self, name: str, caller: Identity, *, resource: str = "vector store") -> Source:
        """Return a store by its name or id.

        Raises `NotFound` of the resource when there is none that the caller may read.
        """
        return _get(await self.readable(caller), name, resource)

    async def for_tool(self, caller: Identity) -> tuple[Source, ...]:
        """Return the stores that the search tool covers where a request names none."""
        return _named(await self.readable(caller), self._settings.tool)

    async def choose(
        self, requested: tuple[str, ...] | None, caller: Identity, *, calls_tools: bool
    ) -> Chosen:
        """Decide where a turn looks: in the requested stores, else in the configured ones.

        What only the tool would search is searched inline for a model that calls no tools. Of the
        configured stores, those that the engine does not list are left out. Raises `NotFound` for
        a requested one.
        """
        if requested == ():
            return Chosen()
        readable = await self.readable(caller)
        by_tool, inline = self._settings.tool, self._settings.inline
        if requested is not None:
            stores = tuple(_get(readable, name) for name in dict.fromkeys(requested))
            chosen = Chosen(
                inline=stores if inline or not by_tool else (), tool=stores if by_tool else ()
            )
        elif inline or by_tool:
            chosen = Chosen(inline=_named(readable, inline), tool=_named(readable, by_tool))
        else:
            chosen = Chosen(inline=readable)
        if calls_tools or not chosen.tool:
            return chosen
        return Chosen(inline=_distinct((*chosen.inline, *chosen.tool)))

    async def unknown_names(self) -> list[str]:
        """Return the names in `access` under which no store is listed."""
        listed = [self._source(store) for store in await self._engine.vector_stores()]
        known = {name for source in listed for name in (source.name, source.store_id)}
        return [name for name in self._settings.access if name not in known]

    def _source(self, store: VectorStoreInfo) -> Source:
        own = self._byok.get(store.store_id)
        if own is None:
            return Source(name=store.store_id, store=store)
        return Source(
            name=own.name,
            store=store,
            multiplier=own.multiplier,
            lowest=_lowest(own.cutoff, store),
            mode=_mode(own.cutoff, store),
            is_byok=True,
        )

    def _may_read(self, caller: Identity, source: Source) -> bool:
        access = self._settings.access
        roles = access.get(source.name)
        if roles is None:
            roles = access.get(source.store_id)
        return roles is None or EVERYBODY in roles or not roles.isdisjoint(caller.roles)


def _lowest(cutoff: float | None, store: VectorStoreInfo) -> float:
    """Bring a cutoff onto the scale on which the engine gives the scores of the store."""
    if cutoff is None:
        return 0.0
    return cutoff if store.has_bounded_scores else cutoff / (1.0 + cutoff)


def _mode(cutoff: float | None, store: VectorStoreInfo) -> SearchMode | None:
    """Search by vector where a cutoff needs a distance.

    A built-in store gives ranks as the scores of its hybrid search, all of them near 0.
    """
    return None if cutoff is None or store.has_bounded_scores else SearchMode.VECTOR


def _get(readable: Iterable[Source], name: str, resource: str = "vector store") -> Source:
    found = _find(readable, name)
    if found is None:
        raise NotFound(resource, name)
    return found


def _named(readable: tuple[Source, ...], names: Iterable[str]) -> tuple[Source, ...]:
    found = (_find(readable, name) for name in names)
    return _distinct(source for source in found if source is not None)


def _find(readable: Iterable[Source], name: str) -> Source | None:
    # A name given by the configuration goes before an id that happens to be the same.
    by_id: Source | None = None
    for source in readable:
        if source.is_byok and source.name == name:
            return source
        if source.store_id == name:
            by_id = source
    return by_id


def _distinct(sources: Iterable[Source]) -> tuple[Source, ...]:
    return tuple({source.store_id: source for source in sources}.values())
