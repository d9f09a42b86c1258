"""Which analysis the words of a text need. Knows no index."""

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


def analysis_of(language: Any, default: Language) -> Analysis:
    """Choose by a document's ISO 639-1 code, such as `de` or `pt-BR`; the default when unknown.

    Words of another alphabet in a text without spaces are taken for the default's.
    """
    code = str(language or "").lower().replace("_", "-").partition("-")[0]
    if not code or code in _WITHOUT_SPACES:
        return default
    return _BY_CODE.get(code, "simple")
