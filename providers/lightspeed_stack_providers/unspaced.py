"""Words for scripts that write none apart: Chinese, Japanese and Korean. Pure functions.

They are overlapping pairs of characters, as Lucene's CJKBigramFilter makes them: no dictionary is
needed, and a word of two characters is found wherever it stands. Han characters stand alone
besides, for one of them can be a word.
"""

import re
import unicodedata
from typing import Final

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd々"
_RUN: Final = re.compile(rf"[{_HAN}\u3041-\u3096\u30a1-\u30fa\u30fc\uac00-\ud7af]+")
_WIDE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")
_ONE_HAN: Final = re.compile(rf"[{_HAN}]")
_WORD: Final = re.compile(r"\w+")


def with_words(text: str) -> str:
    """Write what has no spaces as words that have; other text stays as it is."""
    if not _WIDE.search(text):
        return text
    return _RUN.sub(_spaced, unicodedata.normalize("NFKC", text))


def count_words(text: str) -> int:
    """Count words; of scripts without spaces two characters are taken for one."""
    unspaced = sum(map(len, _RUN.findall(text)))
    return len(_WORD.findall(_RUN.sub(" ", text))) + -(-unspaced // 2)


def _spaced(run: re.Match[str]) -> str:
    characters = run.group()
    pairs = [characters[index : index + 2] for index in range(len(characters) - 1)]
    return f" {' '.join([*pairs, *_ONE_HAN.findall(characters)] or [characters])} "
