"""Where sentences end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_stack_providers.extractive.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["One sentence.", "Another one!", "A third?", "Rest"],
        ["Use a tool, e.g. Make, for that.", "Then go on."],
        ["It was written by J. Smith and Dr. Jones.", "They agreed."],
        ["Version 3.12 is needed.", "See run.yaml for it."],
        ["He said \"Stop.\"", "Then he left."],
        ["Call `a. B. c` now.", "Then wait."],
        ["Wait...", "Then go on."],
        ["It ends here (really.)", "Next one."],
        ["It is written lower-case. lightspeed-stack is a name."],
        ["Is it so?!", "Yes."],
        ["これは文です。", "次の文です。"],
    ],
)  # fmt: skip
def test_sentences_are_told_apart(sentences: list[str]):
    separator = "" if sentences[0].endswith("。") else " "

    assert split_sentences(separator.join(sentences)) == sentences


def test_the_number_of_a_section_is_no_sentence():
    assert split_sentences("3. Start the service.") == ["3. Start the service."]


def test_long_sentences_are_cut_at_words():
    pieces = split_sentences(" ".join(["word"] * 130) + ".")

    assert [len(piece.split()) for piece in pieces] == [40, 40, 40, 10]


@given(st.text())
def test_nothing_is_added_or_lost(text: str):
    normal = " ".join(text.split())

    assert "".join(split_sentences(normal)).replace(" ", "") == normal.replace(" ", "")
