"""Takes off the disguises of letters: other alphabets, marks, digits, order, spaces, misspelling.

Each reading is made of the plain form of a text: lower case, no accents, single blanks. The work is
linear in the text. It knows no rule and no encoding.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from string import ascii_lowercase
from typing import Final

# Letters of other scripts that look like Latin ones (confusables of Unicode TR 39).
_LOOKALIKES: Final = {
    ord(foreign): letter
    for letter, all_foreign in {
        "a": "\u0430\u03b1\u0251\u1d00", "b": "\u03b2\u0432\u0299", "c": "\u0441\u1d04",
        "d": "\u0501\u1d05", "e": "\u0435\u03b5\u1d07", "g": "\u0261\u0262",
        "h": "\u04bb\u043d\u0570",        "i": "\u0456\u03b9\u0131\u026a\u0269", "j": "\u0458\u1d0a", "k": "\u043a\u03ba\u1d0b",
        "l": "\u029f\u04cf", "m": "\u043c\u1d0d", "n": "\u0274\u0578\u03b7\u043f",
        "o": "\u043e\u03bf\u0585\u1d0f", "p": "\u0440\u03c1\u1d18", "r": "\u0280\u0433",
        "s": "\u0455", "t": "\u0442\u03c4\u1d1b", "u": "\u03c5\u057d\u1d1c", "v": "\u03bd\u1d20",
        "w": "\u051b\u03c9\u0448\u1d21", "x": "\u0445\u03c7", "y": "\u0443\u028f",
    }.items()
    for foreign in all_foreign
}  # fmt: skip
_FOREIGN: Final = re.compile("[\u0131\u0250-\u02af\u0370-\u0589\u1d00-\u1d22]")
_UPSIDE_DOWN: Final = str.maketrans(
    "\u0250\u0254\u01dd\u025f\u0183\u0265\u0131\u027e\u029e\u026f\u0279\u0287\u028c\u028d\u028e",
    "acefghijkmrtvwy",
)
_TURNED: Final = re.compile(
    "[\u0250\u0254\u01dd\u025f\u0265\u027e\u029e\u026f\u0279\u0287\u028c-\u028e]"
)
_TURNED_TOO: Final = str.maketrans("bdnupq", "qpundb")
_ENCLOSED: Final = {
    first + index: letter
    for first in (0x1F150, 0x1F170, 0x1F1E6)
    for index, letter in enumerate(ascii_lowercase)
}
_IS_ENCLOSED: Final = re.compile("[\U0001f150-\U0001f1ff]")
_LEET: Final = (
    str.maketrans("0134579@$!8|(+", "oieastgasibict"),
    str.maketrans("0134567@$!2|", "oleasgtasizl"),
)
_HAS_LEET: Final = re.compile(r"[a-z][0-9@$!|(+]|[0-9@$!|(+][a-z]")
_MARKS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_SPACE: Final = re.compile(r"\s+")
_LETTERS_APART: Final = re.compile(
    r"(?<!\w)\w(?:[-._*~|/\u00b7]\w(?!\w)){2,}|(?<!\w)\w(?: \w(?!\w)){3,}"
)
_APART: Final = re.compile(r"(?<=\w)[-._*~|/\u00b7 ](?=\w(?!\w))")
_WITHIN_WORDS: Final = re.compile(r"(?<=[a-z])[-._*~|/\u00b7\\^`]+(?=[a-z])")
_NO_LETTER: Final = re.compile(r"[^a-z]+")
_LONG_RUN: Final = re.compile(r"([a-z])\1{2,}")
_LATIN_WORD: Final = re.compile(r"[a-z]{4,16}")

_TELLING: Final = ("instructions", "ignore ", "previous", "system prompt", "prompt", "disregard")
_BACKWARDS: Final = tuple(word.strip()[::-1] for word in (*_TELLING, "guidelines", "reveal"))
_ORDER: Final = re.compile(
    r"\b(?:instructions|rules|guidelines|prompts?) (?:previous|prior|earlier|your|system|all)\b|"
    r"\bprompt system\b|\bbackwards?\b|\breversed?\b"
)
_PIG_LATIN: Final = re.compile(r"\b([a-z]{2,16}?)(?:way|yay|ay)\b")

_KEYWORDS: Final = frozenset(
    re.split(
        " ",
        "ignore disregard forget override bypass previous prior earlier instructions instruction "
        "guidelines rules prompt system reveal repeat display restrictions unrestricted developer "
        "hidden secret password everything directives confidential pretend jailbreak",
    )
)
_SHORT_FORMS: Final = {
    "instr": "instructions", "instrs": "instructions", "insts": "instructions",
    "instrux": "instructions", "prev": "previous", "prevs": "previous", "sysprompt":
    "system prompt", "guidlines": "guidelines", "pwd": "password", "plz": "please",
}  # fmt: skip
_VOWELS: Final = re.compile("[aeiou]")
_SHORTEST_MISTYPED: Final = 6


def plain(text: str) -> str:
    """Return a text in the form in which the rules are written."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return _SPACE.sub(" ", _MARKS.sub("", decomposed)).strip()


def squeezed(latin: str) -> str:
    """Return the letters of a text alone, without what stands between them."""
    return _NO_LETTER.sub("", latin)


def spellings(visible: str) -> Iterator[str]:
    """Give the readings of a text as it is spelled, the plain one first."""
    if _IS_ENCLOSED.search(visible):
        visible = visible.translate(_ENCLOSED)
    base = plain(visible)
    yield base
    latin = base.translate(_LOOKALIKES) if _FOREIGN.search(base) else base
    yield latin
    if _TURNED.search(base):
        turned = base.translate(_UPSIDE_DOWN)
        yield turned[::-1]
        yield turned.translate(_TURNED_TOO)[::-1]
    if _HAS_LEET.search(latin):
        for table in _LEET:
            yield latin.translate(table)
    yield from _respaced(visible, latin)
    yield from _reordered(latin)
    yield from _shifted(latin)
    yield from _corrected(latin)


def _respaced(visible: str, latin: str) -> Iterator[str]:
    # Wider gaps stand between words whose letters are apart.
    lines = re.sub(r"\s{2,}", "\n", visible).casefold()
    if _LETTERS_APART.search(lines):
        yield plain(_LETTERS_APART.sub(lambda found: _APART.sub("", found[0]), lines))
    if _WITHIN_WORDS.search(latin):
        yield _WITHIN_WORDS.sub("", latin)


def _reordered(latin: str) -> Iterator[str]:
    if any(word in latin for word in _BACKWARDS):
        yield latin[::-1]
        yield " ".join(word[::-1] for word in latin.split())
    if _ORDER.search(latin):
        yield " ".join(reversed(re.sub(r"[^\w ]", "", latin).split()))
    words = latin.count(" ") + 1
    if 2 * latin.count("ay") > words > 3:
        yield _PIG_LATIN.sub(_from_pig_latin, latin)


def _from_pig_latin(found: re.Match[str]) -> str:
    stem = found[1]
    turned = [stem, *(stem[-count:] + stem[:-count] for count in (1, 2, 3))]
    known = (word for word in turned if word in _KEYWORDS)
    is_whole = found[0].endswith(("way", "yay"))
    return next(known, stem if is_whole else turned[1])


@cache
def _alphabets() -> tuple[tuple[dict[int, int], tuple[str, ...]], ...]:
    """Return what undoes each rotation and the mirrored alphabet, with how words look in it."""
    orders = [ascii_lowercase[by:] + ascii_lowercase[:by] for by in range(1, 26)]
    orders.append(ascii_lowercase[::-1])
    return tuple(
        (
            str.maketrans(order, ascii_lowercase),
            tuple(word.translate(str.maketrans(ascii_lowercase, order)) for word in _TELLING[:4]),
        )
        for order in orders
    )


def _shifted(latin: str) -> Iterator[str]:
    for table, telling in _alphabets():
        if any(word in latin for word in telling):
            yield latin.translate(table)


@cache
def _mistyped() -> dict[str, str]:
    """Return keywords by what is left of them: without a letter, a vowel, or in another order."""
    by_rest: dict[str, str] = {}
    for word in sorted(_KEYWORDS):
        by_rest[_jumbled(word)] = word
        by_rest[word[0] + _VOWELS.sub("", word[1:])] = word
        by_rest[_VOWELS.sub("", word)] = word
        if len(word) >= _SHORTEST_MISTYPED:
            for rest in _without_one(word):
                by_rest.setdefault(rest, word)
    return by_rest


def _jumbled(word: str) -> str:
    return f"{word[0]}{''.join(sorted(word[1:-1]))}{word[-1]}!"


def _without_one(word: str) -> Iterator[str]:
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _corrected(latin: str) -> Iterator[str]:
    """Give a text with words put right that are almost keywords, and long runs cut."""
    known = _mistyped()
    changed = {
        word: right
        for word in set(_LATIN_WORD.findall(latin))
        if word not in _KEYWORDS and (right := _keyword(word, known)) is not None
    }
    if changed:
        yield _LATIN_WORD.sub(lambda found: changed.get(found[0], found[0]), latin)
    if _LONG_RUN.search(latin):
        yield _LONG_RUN.sub(r"\1", latin)


def _keyword(word: str, known: dict[str, str]) -> str | None:
    if word in _SHORT_FORMS:
        return _SHORT_FORMS[word]
    if (right := known.get(word) or known.get(_jumbled(word))) is not None:
        return None if _is_form(word, right) else right
    if len(word) >= _SHORTEST_MISTYPED:
        for rest in _without_one(word):
            right = rest if rest in _KEYWORDS else known.get(rest)
            if right is not None and not _is_form(word, right):
                return right
    return None


def _is_form(word: str, keyword: str) -> bool:
    """Say whether a word is another form of the keyword, and no slip."""
    return word.startswith(keyword) or keyword.startswith(word)
