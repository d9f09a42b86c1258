"""Which analysis the words of a text need, and how texts without spaces get words. Pure functions.

Chinese, Japanese and Korean are written into overlapping pairs of characters, as Lucene's
CJKBigramFilter does: no dictionary is needed, and a word of two characters is found wherever it
stands. Han characters stand alone besides, for one of them can be a word.
"""

import re
import unicodedata
from typing import Any, Final, Literal

type Language = Literal[
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "russian",
    "spanish",
    "swedish",
]
type Analysis = Language | Literal["simple"]
"""A language with stems and stop words, or words as they are."""

_BY_CODE: Final[dict[str, Language]] = {
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "hu": "hungarian",
    "it": "italian",
    "nb": "norwegian",
    "nn": "norwegian",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "es": "spanish",
    "sv": "swedish",
}
_WITHOUT_SPACES: Final = frozenset({"zh", "ja", "ko"})
_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd々"
_RUN: Final = re.compile(rf"[{_HAN}\u3041-\u3096\u30a1-\u30fa\u30fc\uac00-\ud7af]+")
_WIDE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")
_ONE_HAN: Final = re.compile(rf"[{_HAN}]")


def analysis_of(language: Any, default: Language) -> Analysis:
    """Choose by a document's ISO 639-1 code, such as `de` or `pt-BR`; the default when unknown.

    Words of another alphabet in a text without spaces are taken for the default's.
    """
    code = str(language or "").lower().replace("_", "-").partition("-")[0]
    if not code or code in _WITHOUT_SPACES:
        return default
    return _BY_CODE.get(code, "simple")


def with_words(text: str) -> str:
    """Write what has no spaces as words that have; other text stays as it is."""
    if not _WIDE.search(text):
        return text
    return _RUN.sub(_spaced, unicodedata.normalize("NFKC", text))


def _spaced(run: re.Match[str]) -> str:
    characters = run.group()
    pairs = [characters[index : index + 2] for index in range(len(characters) - 1)]
    return f" {' '.join([*pairs, *_ONE_HAN.findall(characters)] or [characters])} "
