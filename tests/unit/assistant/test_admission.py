"""Places are taken, freed exactly once, and refused beyond the limits."""

import pytest

from lightspeed_core.assistant.admission import Admission, Admissions
from lightspeed_core.errors import Overloaded, QuotaExceeded
from lightspeed_core.observability.metrics import Metrics


def test_a_place_is_free_after_its_block_however_it_is_left() -> None:
    room = Admission("turns", most=1, most_of_user=1)
    with room.place("ann"):
        assert room.taken == 1
    with pytest.raises(ZeroDivisionError), room.place("ann"):
        raise ZeroDivisionError
    assert room.taken == 0


def test_a_place_that_is_handed_over_is_freed_by_its_new_holder_once() -> None:
    room = Admission("turns", most=1, most_of_user=1)
    with room.place("ann") as place:
        leave = place.hand_over()
    assert room.taken == 1
    with pytest.raises(Overloaded), room.place("bob"):
        pass
    leave()
    place.leave()
    assert room.taken == 0
    with room.place("bob"):
        assert room.taken == 1


def test_the_room_of_one_user_is_less_than_that_of_all() -> None:
    room = Admission("turns", most=3, most_of_user=2)
    with room.place("ann"), room.place("ann"):
        with pytest.raises(QuotaExceeded) as of_user, room.place("ann"):
            pass
        with room.place("bob"):
            with pytest.raises(Overloaded) as of_all, room.place("cyd"):
                pass
            assert room.taken == 3
    for refusal in (of_user, of_all):
        assert (refusal.value.retry_after or 0) > 0
    assert room.taken == 0


def test_refusals_are_counted_and_places_shown() -> None:
    metrics = Metrics()
    rooms = Admissions(most=1, most_of_user=1)
    rooms.report_to(metrics.room)
    with rooms.turns.place("ann"):
        for user in ("ann", "bob", "bob"):
            with pytest.raises((QuotaExceeded, Overloaded)), rooms.turns.place(user):
                pass
        text = metrics.render().decode()
    assert 'ls_open_places{kind="turns"} 1.0' in text
    assert 'ls_open_places{kind="readers"} 0.0' in text
    assert 'ls_turned_away_total{kind="turns",reason="user"} 1.0' in text
    assert 'ls_turned_away_total{kind="turns",reason="service"} 2.0' in text
