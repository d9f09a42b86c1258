from lightspeed_core.auth.jwt.verdicts import Verdicts
from tests.support.scripted_keys import Clock


def test_a_verdict_is_found_by_its_token_alone() -> None:
    verdicts = Verdicts[str](seconds=60, most=10)
    verdicts.keep("token", "ada")

    assert verdicts.find("token") == "ada"
    assert verdicts.find("token2") is None


def test_a_verdict_ends_after_its_time() -> None:
    clock = Clock()
    verdicts = Verdicts[str](seconds=60, most=10, clock=clock)
    verdicts.keep("token", "ada")

    clock.at += 59.9
    assert verdicts.find("token") == "ada"
    clock.at += 0.1
    assert verdicts.find("token") is None


def test_a_verdict_never_outlasts_what_it_is_about() -> None:
    clock = Clock()
    verdicts = Verdicts[str](seconds=60, most=10, clock=clock)
    verdicts.keep("token", "ada", 5)
    verdicts.keep("ended", "ada", 0)

    assert verdicts.find("ended") is None
    clock.at += 5
    assert verdicts.find("token") is None


def test_of_too_many_the_longest_unused_is_forgotten() -> None:
    verdicts = Verdicts[int](seconds=60, most=3)
    for number, token in enumerate(("a", "b", "c")):
        verdicts.keep(token, number)
    verdicts.find("a")
    verdicts.keep("d", 3)

    assert [verdicts.find(token) for token in ("a", "b", "c", "d")] == [0, None, 2, 3]


def test_no_token_is_kept() -> None:
    verdicts = Verdicts[int](seconds=60, most=3)
    verdicts.keep("secret token", 1)

    assert "secret token" not in repr(vars(verdicts))
