import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.assistant.shields.windows import Held, Piece, Window
from lightspeed_core.domain.events import CitationVerified, TextDelta
from lightspeed_core.domain.retrieval import Citation

CITED = CitationVerified(
    Citation(
        marker="[1]",
        document_id="d",
        source=None,
        title=None,
        url=None,
        content_hash=None,
        start=None,
        end=None,
        quote="q",
    )
)


def windows_of(
    tokens: list[str], *, sentences: int = 1, shortest: int = 1, longest: int = 2000
) -> list[Window]:
    held = Held(sentences=sentences, shortest=shortest, longest=longest)
    windows: list[Window] = []
    for token in tokens:
        held.add(TextDelta((token,)))
        while (window := held.next_window()) is not None:
            windows.append(window)
    if (rest := held.rest()) is not None:
        windows.append(rest)
    return windows


def text_of(pieces: tuple[Piece, ...]) -> str:
    return "".join(
        token for piece in pieces if isinstance(piece, TextDelta) for token in piece.tokens
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three", ["One. ", "Two! ", "Three"]),
        ("Version 3.11 of it. Next", ["Version 3.11 of it. ", "Next"]),
        ("\u4e00\u3002\u4e8c\u3002\u4e09", ["\u4e00\u3002", "\u4e8c\u3002", "\u4e09"]),
        ("head\n\nbody", ["head\n\n", "body"]),
        ('He said "no." Then', ['He said "no." ', "Then"]),
    ],
)
def test_a_window_ends_with_a_sentence(text: str, expected: list[str]) -> None:
    assert [window.text for window in windows_of(list(text))] == expected


def test_a_window_has_as_many_sentences_as_are_set() -> None:
    texts = [window.text for window in windows_of(["A. B. C. D. E"], sentences=2)]
    assert texts == ["A. B. ", "C. D. ", "E"]


def test_a_text_without_sentences_is_cut_at_a_blank_and_a_word_only_at_need() -> None:
    assert [w.text for w in windows_of(["one two three"], longest=9)] == ["one two ", "three"]
    assert [w.text for w in windows_of(["x" * 25], longest=10)] == ["x" * 10, "x" * 10, "x" * 5]


def test_tokens_stay_as_they_came_but_where_a_window_cuts_one() -> None:
    first, second = windows_of(["On", "e. T", "wo"])
    assert first.pieces == (TextDelta(("On", "e. ")),)
    assert second.pieces == (TextDelta(("T", "wo")),)


def test_a_citation_stays_behind_its_text() -> None:
    held = Held(sentences=1, shortest=1, longest=2000)
    held.add(TextDelta(("One [1]. Two",)))
    held.add(CITED)
    window = held.next_window()
    assert window is not None
    assert window.pieces == (TextDelta(("One [1]. ",)),)
    rest = held.rest()
    assert rest is not None
    assert rest.pieces == (TextDelta(("Two",)), CITED)


@given(
    st.lists(st.text(alphabet="ab. \n!\u3002", max_size=6)),
    st.integers(1, 3),
    st.integers(1, 8),
    st.integers(1, 12),
)
def test_nothing_is_lost_added_or_moved(
    tokens: list[str], sentences: int, shortest: int, longest: int
) -> None:
    windows = windows_of(tokens, sentences=sentences, shortest=shortest, longest=longest)
    assert "".join(window.text for window in windows) == "".join(tokens)
    assert all(text_of(window.pieces) == window.text for window in windows)
    lengths = [len(window.text) for window in windows[:-1]]
    assert all(min(shortest, longest) <= length <= longest for length in lengths)
