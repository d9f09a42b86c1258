from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.assistant.shields.sealing import Seal

VALUES = {"[EMAIL_1]": "ada@example.org"}
SECRET = "s" * 32


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_seals_of_one_secret_open_what_the_others_closed(values: dict[str, str]) -> None:
    assert Seal(SECRET).open(Seal(SECRET).close(values, "t"), "t") == values


def test_what_is_closed_says_nothing_and_never_the_same() -> None:
    first, second = Seal(SECRET).close(VALUES, "t"), Seal(SECRET).close(VALUES, "t")
    assert first is not None
    assert first != second
    assert "ada" not in first


def test_nothing_opens_with_another_key_for_another_turn_or_when_it_is_damaged() -> None:
    closed = Seal(SECRET).close(VALUES, "t")
    assert closed is not None
    assert Seal("another").open(closed, "t") == {}
    assert Seal().open(closed, "t") == {}
    assert Seal(SECRET).open(closed, "u") == {}
    assert Seal(SECRET).open(closed[:-6], "t") == {}
    assert Seal(SECRET).open("%", "t") == {}
    assert Seal(SECRET).open(None, "t") == {}


def test_where_nothing_was_taken_out_nothing_is_closed() -> None:
    assert Seal().close({}, "t") is None
