"""`${env.NAME}` in values: the table of the syntax, and what holds for any text."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.config.substitution import substitute

ENVIRON = {
    "A": "5",
    "B": "true",
    "F": "1.5",
    "E": "",
    "C": "x",
    "UPPER": "FALSE",
    "NEGATIVE": "-3",
    "HOME_FILE": "~/data",
    "NESTED": "${env.A}",
}
NAMES = st.from_regex(r"[A-Z0-9_]{1,12}", fullmatch=True)
TEXTS = st.text(alphabet=st.characters(exclude_characters="${}~", exclude_categories=["Cs"]))


def replaced(value: Any, environ: dict[str, str] | None = None) -> Any:
    result = substitute({"k": value}, ENVIRON if environ is None else environ)
    assert not result.problems
    return result.tree["k"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("${env.A}", 5),
        ("${env.B}", True),
        ("${env.F}", 1.5),
        ("${env.NEGATIVE}", -3),
        ("${env.UPPER}", False),
        ("${env.E:=d}", "d"),
        ("${env.N:=}", None),
        ("${env.N:=False}", False),
        ("${env.N:+yes}", None),
        ("${env.A:+yes}", "yes"),
        ("${env.E:+yes}", None),
        ("${env.A:+}", None),
        ("pre-${env.C}-${env.A}", "pre-x-5"),
        ("True", "True"),
        ("5", "5"),
        ("${env.lower}", "${env.lower}"),
        ("${env.A", "${env.A"),
        ("${env.N:=http://h:1/a}", "http://h:1/a"),
        ("${env.NESTED}", "${env.A}"),
        (7, 7),
        (None, None),
    ],
)
def test_an_expression_is_replaced_and_typed(written: Any, expected: Any) -> None:
    value = replaced(written)
    assert value == expected
    assert type(value) is type(expected)


def test_a_leading_tilde_is_expanded_only_when_it_was_substituted() -> None:
    assert replaced("${env.HOME_FILE}") == f"{Path.home()}/data"
    assert replaced("${env.N:=~/other}") == f"{Path.home()}/other"
    assert replaced("~/data") == "~/data"
    assert replaced("${env.N:=~nobody-of-this-name/x}") == "~nobody-of-this-name/x"


def test_an_unset_variable_is_a_problem_with_its_place_and_the_other_forms() -> None:
    result = substitute({"k": {"l": "${env.NOPE}"}, "m": ["a", "${env.E}"]}, ENVIRON)
    first, second = result.problems
    assert first.text == (
        "Environment variable 'NOPE' not set or empty at k.l. Use ${env.NOPE:=default_value} to "
        "provide a default value, ${env.NOPE:+value_if_set} to make the field conditional, or "
        "ensure the environment variable is set."
    )
    assert second.place == ("m", 1)
    assert " at m[1]. " in second.text


def test_an_item_of_a_disabled_provider_is_dropped_with_its_expressions() -> None:
    tree = {
        "s": [
            {"provider_id": "${env.N:=__disabled__}", "url": "${env.NOPE}"},
            {"provider_id": "p", "url": "${env.A}"},
            {"provider_id": "${env.B:+__disabled__}"},
            {"provider_id": "q", "url": "${env.MISSING}"},
        ]
    }
    result = substitute(tree, ENVIRON)
    assert [item["provider_id"] for item in result.tree["s"]] == ["p", "q"]
    assert result.original(("s", 0, "url")) == ("s", 1, "url")
    assert result.problems[0].text.startswith(
        "Environment variable 'MISSING' not set or empty at s[3].url."
    )


def test_the_part_that_llama_stack_reads_is_left_to_it() -> None:
    override = {"key": "${env.NOPE}"}
    tree = {"llama_stack": {"config": {"native_override": override, "profile": "${env.A}"}}}
    result = substitute(tree, ENVIRON)
    assert result.tree["llama_stack"]["config"] == {"native_override": override, "profile": 5}
    assert not result.problems


def test_what_goes_into_a_run_configuration_stays_as_it_is() -> None:
    settings = {"headers": {"x-key": "${env.A}"}}
    tree = {
        "inference": {"providers": [{"type": "${env.C}", "extra": settings}]},
        "vector_store": {"providers": [{"id": "${env.C}", "config": settings}]},
    }

    result = substitute(tree, ENVIRON)

    (inference,) = result.tree["inference"]["providers"]
    (store,) = result.tree["vector_store"]["providers"]
    assert inference == {"type": "x", "extra": settings}
    assert store == {"id": "x", "config": settings}


def test_the_text_of_a_converted_value_is_kept() -> None:
    result = substitute({"a": "${env.KEY}", "b": "${env.C}"}, {"KEY": "0123", "C": "x"})
    assert result.tree == {"a": 123, "b": "x"}
    assert result.texts == {("a",): "0123"}


@given(text=TEXTS)
def test_a_text_without_expressions_stays_as_it_is(text: str) -> None:
    assert replaced(text) == text


@given(name=NAMES, before=TEXTS, after=TEXTS, value=TEXTS.filter(bool))
def test_a_set_variable_appears_in_its_place(
    name: str, before: str, after: str, value: str
) -> None:
    result = substitute({"k": f"{before}${{env.{name}}}{after}"}, {name: value})
    whole = f"{before}{value}{after}"
    kept = result.texts.get(("k",), result.tree["k"])
    assert kept == whole


@given(name=NAMES, default=TEXTS, value=TEXTS)
def test_the_three_forms_agree_on_what_is_set(name: str, default: str, value: str) -> None:
    environ = {name: value}
    with_default = substitute({"k": f"${{env.{name}:={default}}}"}, environ)
    conditional = substitute({"k": f"${{env.{name}:+{default}}}"}, environ)
    required = substitute({"k": f"${{env.{name}}}"}, environ)
    if value:
        assert repr(with_default.tree) == repr(required.tree)  # NaN is not equal to itself
        assert not required.problems
    else:
        assert required.problems
        assert conditional.tree == {"k": None}


@given(number=st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False)))
def test_numbers_and_truth_values_come_back_from_their_text(number: float) -> None:
    assert replaced("${env.X}", {"X": str(number)}) == number
