"""Which units are quoted for a question."""

import pytest

from lightspeed_stack_providers.extractive.passages import Passage
from lightspeed_stack_providers.extractive.ranking import (
    MOST_CANDIDATES,
    Candidate,
    best_quotes,
    shortlist,
)
from lightspeed_stack_providers.extractive.units import Unit


def passage(number: int, text: str, title: str = "") -> Passage:
    return Passage(number, title, text)


def candidates(*overlaps: float) -> list[Candidate]:
    return [Candidate(n, Unit(f"Text {n}."), overlap) for n, overlap in enumerate(overlaps, 1)]


def test_the_unit_with_the_rare_words_comes_first():
    passages = [
        passage(1, "The service starts fast. The service is small."),
        passage(2, "The service listens on port 8080. The service logs."),
    ]

    found = shortlist("Which port does the service listen on?", passages)

    assert (found[0].number, found[0].unit.text) == (2, "The service listens on port 8080.")
    assert found[0].overlap == pytest.approx(1)


def test_a_text_that_asks_the_same_question_is_no_answer():
    question = "How do I change the port on which the service listens?"
    echoes = [
        """-d '{"query": "How do I change the port on which the service listens?"}'""",
        f"You ask: {question}",
    ]
    answers = [
        "To change the port on which the service listens, set LIGHTSPEED_PORT.",
        "How do I change the port on which the service listens? Set LIGHTSPEED_PORT, then "
        "start the service again.",
    ]
    passages = [passage(n, text) for n, text in enumerate([*echoes, *answers], 1)]

    found = shortlist(question, passages)

    assert not {candidate.unit.text for candidate in found}.intersection(echoes)
    assert {candidate.number for candidate in found} >= {3, 4}


def test_heading_and_title_help_but_count_less():
    passages = [
        passage(1, "# Backup\n\nIt runs every night at two."),
        passage(2, "It runs in a cellar full of dust.", "Backup"),
        passage(3, "The backup is made of good steel."),
        passage(4, "Something else is written here now."),
    ]

    found = {candidate.number: candidate.overlap for candidate in shortlist("Backup?", passages)}

    assert found == {3: pytest.approx(1), 1: pytest.approx(0.5), 2: pytest.approx(0.5), 4: 0}


def test_what_overlapping_passages_both_say_is_found_once():
    text = "The port is set by the key `port` of the section."

    found = shortlist("Which key sets the port?", [passage(1, text), passage(2, text)])

    assert [candidate.number for candidate in found] == [1]


def test_the_shortlist_is_short():
    text = "\n\n".join(f"Port number {n} is a port of the {n}th kind." for n in range(50))

    assert len(shortlist("port", [passage(1, text)])) <= MOST_CANDIDATES


@pytest.mark.parametrize("question", ["", "How do I use it?", "???"])
def test_a_question_without_words_still_has_candidates(question: str):
    found = shortlist(question, [passage(1, "One thing is certain here.")])

    assert [candidate.overlap for candidate in found] == [0]


def test_without_passages_there_is_nothing_to_choose_from():
    assert shortlist("Why?", []) == []
    assert best_quotes([], [], 0.4) == []
    assert best_quotes([], None, 0.4) == []


def test_words_and_meaning_count_the_same():
    (quote,) = best_quotes(candidates(0.8), [0.6], 0.4)

    assert quote.score == pytest.approx(0.7)


def test_the_best_three_are_quoted_best_first():
    quotes = best_quotes(candidates(0.5, 0.6, 0.7, 0.8), [0.5, 0.6, 0.7, 0.8], 0.4)

    assert [quote.number for quote in quotes] == [4, 3, 2]


def test_what_is_below_the_threshold_is_not_quoted():
    assert best_quotes(candidates(0.3, 0.2), [0.4, 0.5], 0.4) == []
    assert len(best_quotes(candidates(0.3, 0.2), [0.5, 0.5], 0.4)) == 1


def test_what_is_far_behind_the_best_is_not_quoted():
    assert [q.number for q in best_quotes(candidates(1, 0.5), [1, 0.6], 0.4)] == [1]


def test_words_alone_have_a_threshold_of_their_own():
    quotes = best_quotes(candidates(0.49, 0.51), None, 0.9)

    assert [quote.number for quote in quotes] == [2]
