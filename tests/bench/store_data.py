"""Synthetic chunks that look like prose, and questions about them; the same at every run.

Words follow Zipf's law with English function words in front, each chunk is about a topic with
words and a direction of its own, and vectors lie around the directions.
"""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from llama_stack_api import ChunkMetadata, EmbeddedChunk

from lightspeed_core.ingest.chunk import chunk_id

DIMENSION: Final = 384
MODEL: Final = "onnx/all-MiniLM-L6-v2"
# A filter by `one_in_N` keeps one chunk of N.
SHARES: Final = (2, 10, 100)
WORDS: Final = 120
_VOCABULARY: Final = 30_000
_TOPICS: Final = 300
_TOPIC_WORDS: Final = 200
_OF_TOPIC: Final = 20
_SENTENCE: Final = 12
_PER_DOCUMENT: Final = 25
# All are stop words of the store, so that it and the bare libraries look for the same words.
_FUNCTION_WORDS: Final = (
    "the of and to a in is that for it as was with be by on not at are this have from or had they "
    "which you were all she there their we been has when who will no more if what its about into "
    "than can only other such these how do does where why should between after before"
)
FUNCTION_WORDS: Final[list[str]] = [*_FUNCTION_WORDS.split()]
_SYLLABLES: Final = [
    f"{first}{vowel}{last}"
    for first, vowel, last in itertools.product(
        ("b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "st", "pr"),
        "aeiou",
        ("", "n", "r", "s", "l"),
    )
]


@dataclass(frozen=True)
class Sample:
    """Texts with their vectors, and questions with theirs; vectors are of unit length."""

    texts: Sequence[str]
    vectors: Any
    questions: Sequence[str]
    asked: Any

    def chunk(self, number: int) -> EmbeddedChunk:
        """Return a chunk as the service inserts it."""
        document = number // _PER_DOCUMENT
        document_id = f"handbook/part-{document}.md"
        # Named by the service, for index pages of the file feel how ids are strewn.
        named = chunk_id(document_id, f"{number}")
        metadata = {
            "document_id": document_id,
            "content_hash": f"{document:064x}",
            "start": number % _PER_DOCUMENT * 800,
            "end": number % _PER_DOCUMENT * 800 + len(self.texts[number]),
            "title": self._title(number),
            "url": f"https://docs.example.com/handbook/part-{document}",
            "heading": self._heading(number),
            **{f"one_in_{share}": number % share for share in SHARES},
        }
        return EmbeddedChunk(
            chunk_id=named,
            content=self.texts[number],
            metadata=metadata,
            chunk_metadata=ChunkMetadata(chunk_id=named),
            embedding=self.vectors[number].tolist(),
            embedding_model=MODEL,
            embedding_dimension=DIMENSION,
        )

    def headline(self, number: int) -> str:
        """Return what stands above a chunk's text."""
        return f"{self._title(number)} {self._heading(number)}"

    def _title(self, number: int) -> str:
        return f"Part {number // _PER_DOCUMENT}"

    def _heading(self, number: int) -> str:
        return " ".join(self.texts[number].split(maxsplit=4)[:4])


def make_sample(chunks: int, questions: int) -> Sample:
    """Make so many chunks and questions."""
    numbers = np.random.default_rng(1)
    words, topics = _vocabulary(), numbers.integers(_TOPICS, size=chunks)
    common = _zipf(numbers, _VOCABULARY, (chunks, WORDS - _OF_TOPIC))
    # Words of a topic are frequent ones and rare ones, and may be those of another as well.
    span = np.log([len(FUNCTION_WORDS), _VOCABULARY])
    places = np.exp(numbers.uniform(*span, size=(_TOPICS, _TOPIC_WORDS))).astype(np.int64)
    special = places[topics[:, None], _zipf(numbers, _TOPIC_WORDS, (chunks, _OF_TOPIC))]
    mixed = numbers.permuted(np.concatenate([common, special], axis=1), axis=1)
    chosen: list[list[int]] = mixed.tolist()
    directions = numbers.normal(size=(_TOPICS, DIMENSION))
    asked = numbers.integers(_TOPICS, size=questions)
    return Sample(
        texts=[_text([words[place] for place in row]) for row in chosen],
        vectors=_around(directions, topics, numbers),
        questions=[_question(words, places[topic], numbers) for topic in asked],
        asked=_around(directions, asked, numbers),
    )


def _vocabulary() -> list[str]:
    chosen = random.Random(1)
    words: dict[str, None] = dict.fromkeys(FUNCTION_WORDS)
    while len(words) < _VOCABULARY:
        words["".join(chosen.choices(_SYLLABLES, k=chosen.choice((1, 2, 2, 3, 3))))] = None
    return list(words)


def _zipf(numbers: np.random.Generator, size: int, shape: tuple[int, ...]) -> Any:
    weights = 1 / (np.arange(size) + 2.7)
    return numbers.choice(size, size=shape, p=weights / weights.sum())


def _text(words: Sequence[str]) -> str:
    sentences: list[str] = []
    for part in itertools.batched(words, _SENTENCE):
        sentence: str = " ".join(part)
        sentences.append(sentence.capitalize())
    return ". ".join(sentences) + "."


def _question(words: Sequence[str], places: Any, numbers: np.random.Generator) -> str:
    """Ask with five to eight words: some of the topic, one of any, and words between them."""
    of_topic = [words[int(place)] for place in places[_zipf(numbers, _TOPIC_WORDS, (3,))]]
    between: list[str] = numbers.choice(FUNCTION_WORDS, size=numbers.integers(1, 5)).tolist()
    of_any = words[int(numbers.integers(100, 5_000))]
    return " ".join([*between, *of_topic, of_any])


def _around(directions: Any, topics: Any, numbers: np.random.Generator) -> Any:
    vectors: Any = directions[topics] + numbers.normal(size=(len(topics), DIMENSION))
    lengths: Any = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return (vectors / lengths).astype(np.float32)
