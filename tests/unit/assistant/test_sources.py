"""Which stores a caller sees, under which names, and where a turn looks."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest

from lightspeed_core.assistant.sources import Chosen, Sources, SourceSettings, StoreSettings
from lightspeed_core.domain.identity import Identity
from lightspeed_core.engine.types import SearchMode
from lightspeed_core.errors import NotFound
from tests.support.scripted_engine import ScriptedEngine, store_info

OCP = StoreSettings(name="ocp-docs", store_id="vs_ocp", multiplier=2.0, cutoff=0.25)


def sources(
    *stores: str,
    byok: tuple[StoreSettings, ...] = (OCP,),
    access: Mapping[str, set[str]] | None = None,
    inline: tuple[str, ...] = (),
    tool: tuple[str, ...] = (),
) -> Sources:
    engine = ScriptedEngine()
    for store_id in stores or ("a", "b", "vs_ocp"):
        engine.add_store(store_info(store_id))
    closed = {name: frozenset(roles) for name, roles in (access or {}).items()}
    return Sources(engine, SourceSettings(byok=byok, access=closed, inline=inline, tool=tool))


def someone(*roles: str) -> Identity:
    return Identity(user_id="ann", username="Ann", roles=frozenset(roles))


def names(chosen: Chosen) -> tuple[list[str], list[str]]:
    return [each.name for each in chosen.inline], [each.name for each in chosen.tool]


@pytest.mark.requirement("byok.names")
async def test_a_store_of_the_configuration_goes_by_its_rag_id() -> None:
    known = sources()

    assert [each.name for each in await known.readable(someone())] == ["a", "b", "ocp-docs"]
    for name in ("ocp-docs", "vs_ocp"):
        found = await known.get(name, someone())
        assert (found.name, found.store_id, found.multiplier) == ("ocp-docs", "vs_ocp", 2.0)


async def test_a_configured_name_goes_before_an_id_that_is_the_same() -> None:
    known = sources("a", "ocp-docs", "vs_ocp")

    assert (await known.get("ocp-docs", someone())).store_id == "vs_ocp"


@pytest.mark.requirement("byok.weights")
async def test_a_cutoff_is_brought_onto_the_scale_of_the_engine() -> None:
    engine = ScriptedEngine()
    engine.add_store(replace(store_info("bounded"), has_bounded_scores=True))
    engine.add_store(replace(store_info("distance"), has_bounded_scores=False))
    settings = SourceSettings(
        byok=tuple(
            StoreSettings(name=name, store_id=name, cutoff=0.25) for name in ("bounded", "distance")
        )
    )

    found = await Sources(engine, settings).readable(someone())

    # A built-in store's score s comes from the engine as s / (1 + s).
    assert [each.lowest for each in found] == [0.25, 0.2]
    # Only a distance can be held against a cutoff, and only a search by vector gives one.
    assert [each.mode for each in found] == [None, SearchMode.VECTOR]


NO: list[str] = []


@pytest.mark.requirement("retrieval.stores")
@pytest.mark.parametrize(
    ("requested", "inline", "tool", "expected"),
    [
        (None, (), (), (["a", "b", "ocp-docs"], NO)),
        (None, ("ocp-docs",), (), (["ocp-docs"], NO)),
        (None, (), ("ocp-docs",), (NO, ["ocp-docs"])),
        (None, ("a",), ("ocp-docs",), (["a"], ["ocp-docs"])),
        (None, ("okp", "b"), ("okp",), (["b"], NO)),
        (None, ("vs_ocp", "ocp-docs"), (), (["ocp-docs"], NO)),
        (("b",), ("a",), (), (["b"], NO)),
        (("b",), (), (), (["b"], NO)),
        (("b",), (), ("a",), (NO, ["b"])),
        (("b",), ("a",), ("a",), (["b"], ["b"])),
        (("b", "vs_ocp", "b"), (), (), (["b", "ocp-docs"], NO)),
        ((), ("a",), ("a",), (NO, NO)),
    ],
)
async def test_the_request_decides_before_the_configuration(
    requested: tuple[str, ...] | None,
    inline: tuple[str, ...],
    tool: tuple[str, ...],
    expected: tuple[list[str], list[str]],
) -> None:
    chosen = await sources(inline=inline, tool=tool).choose(requested, someone(), calls_tools=True)

    assert names(chosen) == expected


@pytest.mark.requirement("retrieval.tool")
async def test_what_only_the_tool_searches_is_searched_first_for_a_model_without_tools() -> None:
    known = sources(inline=("a",), tool=("ocp-docs", "a"))

    chosen = await known.choose(None, someone(), calls_tools=False)

    assert names(chosen) == (["a", "ocp-docs"], [])


async def test_an_unknown_store_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        await sources().choose(("a", "x"), someone(), calls_tools=True)
    assert caught.value.resource_id == "x"


ROLES = ({"ops"}, {"ops", "dev"}, {"*"}, set[str](), None)
CALLERS = ((), ("ops",), ("dev",), ("other",), ("other", "dev"))


@pytest.mark.attack(24)
@pytest.mark.requirement("access.stores")
@pytest.mark.parametrize(("roles", "caller"), list(product(ROLES, CALLERS)))
@pytest.mark.parametrize("named_by", ["ocp-docs", "vs_ocp"])
async def test_a_store_is_there_for_its_roles_and_for_nobody_else(
    roles: set[str] | None, caller: tuple[str, ...], named_by: str
) -> None:
    known = sources(access=None if roles is None else {named_by: roles}, tool=("a", "ocp-docs"))
    who = someone(*caller)
    may_read = roles is None or bool(roles & {"*", *caller})
    without = ["a", "b"]

    seen = [each.name for each in await known.readable(who)]
    assert seen == ([*without, "ocp-docs"] if may_read else without)
    assert [each.name for each in await known.for_tool(who)] == (
        ["a", "ocp-docs"] if may_read else ["a"]
    )
    chosen = await known.choose(None, who, calls_tools=True)
    assert ("ocp-docs" in names(chosen)[1]) is may_read
    for name in ("ocp-docs", "vs_ocp"):
        if may_read:
            assert (await known.get(name, who)).store_id == "vs_ocp"
            continue
        with pytest.raises(NotFound) as hidden:
            await known.choose((name,), who, calls_tools=True)
        with pytest.raises(NotFound) as unknown:
            await known.choose(("nope",), who, calls_tools=True)
        assert str(hidden.value).replace(name, "nope") == str(unknown.value)


async def test_names_that_close_nothing_are_found() -> None:
    known = sources(access={"ocp-docs": {"ops"}, "b": {"ops"}, "ocp-dogs": {"ops"}})

    assert await known.unknown_names() == ["ocp-dogs"]
