from lightspeed_core.conversations.lineup import Lineup


def line_up(*turn_ids: str, conversation_id: str = "c") -> Lineup:
    lineup = Lineup()
    for turn_id in turn_ids:
        lineup.join(turn_id, conversation_id, is_free=False)
    return lineup


def test_a_turn_is_blocked_by_those_before_it_alone() -> None:
    lineup = line_up("a", "b")
    lineup.join("x", "other", is_free=False)

    assert [lineup.is_blocked(turn_id) for turn_id in "abx"] == [False, True, False]


def test_leaving_frees_the_next() -> None:
    lineup = line_up("a", "b", "c")

    lineup.leave("a")
    lineup.leave("a")

    assert [lineup.is_blocked(turn_id) for turn_id in "bc"] == [False, True]
    assert "a" not in lineup


def test_a_turn_is_free_when_it_was_said_to_be() -> None:
    lineup = line_up("b")
    lineup.join("a", "new", is_free=True)

    assert [lineup.is_free(turn_id) for turn_id in ("a", "b", "?")] == [True, False, False]
    lineup.set_free("b")
    lineup.set_free("?")
    assert [lineup.is_free(turn_id) for turn_id in ("a", "b", "?")] == [True, True, False]


def test_a_dissolved_conversation_has_no_turns() -> None:
    lineup = line_up("a", "b")
    lineup.dissolve("c")
    lineup.dissolve("unknown")

    assert "a" not in lineup
    assert not lineup.is_blocked("b")
