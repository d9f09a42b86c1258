"""Reads the questions of an evaluation, one JSON object a line; knows no store and no measure."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.errors import ConfigurationError

_MOST_PROBLEMS: Final = 20

type _Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class Place(BaseModel):
    """Where a fact stands: a document, a phrase of it, or a span of it in characters."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    document: _Text | None = None
    phrase: _Text | None = None
    start: Annotated[int, Field(ge=0)] | None = None
    end: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.document is None and self.phrase is None:
            raise ValueError("name a document, a phrase or both")
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end belong together")
        if self.start is not None and self.end is not None:
            if self.document is None or self.phrase is not None:
                raise ValueError("a span stands in a document and has no phrase beside it")
            if self.start >= self.end:
                raise ValueError("start must be less than end")
        return self

    def is_in(self, chunk: RagChunk) -> bool:
        """Say whether the chunk holds the place whole; case and line ends make no difference."""
        if self.document is not None and chunk.document_id != self.document:
            return False
        if self.start is not None and self.end is not None:
            if chunk.start is None or chunk.end is None:
                return False
            return chunk.start <= self.start and self.end <= chunk.end
        return self.phrase is None or _folded(self.phrase) in _folded(chunk.content)


def _alternatives(value: object) -> object:
    alone = [value]
    return alone if isinstance(value, dict) else value


type _Fact = Annotated[tuple[Place, ...], Field(min_length=1), BeforeValidator(_alternatives)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _Text | None = None
    question: _Text
    gold: tuple[_Fact, ...] = ()
    answerable: bool = True
    kind: _Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.answerable and not self.gold:
            raise ValueError("gold: name what answers the question, or set answerable to false")
        if not self.answerable and self.gold:
            raise ValueError("gold: a question that is not answerable has none")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with the facts that answer it, each in one of several places.

    Without facts the store does not answer it.
    """

    question_id: str
    text: str
    facts: tuple[tuple[Place, ...], ...] = ()
    kind: str | None = None

    @property
    def is_answerable(self) -> bool:
        """Say whether the store answers the question."""
        return bool(self.facts)


def read_questions(path: Path) -> tuple[Question, ...]:
    """Read a file of questions; docs/evaluation.md describes it.

    Raises `ConfigurationError`, which names each line that is wrong and why.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8: {error.reason}") from error
    questions: dict[str, Question] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            question = _question(_Line.model_validate_json(line), number)
        except ValidationError as error:
            problems += [f"{path}:{number}: {reason}" for reason in _reasons(error)]
            continue
        if question.question_id in questions:
            problems.append(f"{path}:{number}: id: {question.question_id} was given before")
        questions[question.question_id] = question
    if problems:
        raise ConfigurationError(_listed(problems))
    if not questions:
        raise ConfigurationError(f"{path} holds no question")
    return tuple(questions.values())


def _question(line: _Line, number: int) -> Question:
    return Question(
        question_id=line.id or f"line {number}",
        text=line.question,
        facts=line.gold,
        kind=line.kind,
    )


def _reasons(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(map(str, each["loc"]))
        reason = each["msg"].removeprefix("Value error, ")
        yield f"{place}: {reason}" if place else reason


def _listed(problems: list[str]) -> str:
    more = len(problems) - _MOST_PROBLEMS
    shown = problems[:_MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
    return "\n".join(shown)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
