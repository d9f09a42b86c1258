"""The `Shield` protocol: a text goes in, and passes, is blocked or comes back rewritten.

A shield is named by its role: `inout_` guards question and answer, `output_` the answer,
`input_` and every other name the question. It knows neither turns nor wires.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Protocol

from lightspeed_core.config.safety import FailureMode
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import ShieldInfo

DEFAULT_FAILURE_RESPONSE: Final = (
    "I cannot answer, because the safety of this conversation could not be checked. "
    "Please try again later."
)


class Direction(StrEnum):
    """What a text is: asked by the user, answered by the model, or told by a document or tool."""

    INPUT = "input"
    OUTPUT = "output"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing is wrong with the text."""


@dataclass(frozen=True, slots=True)
class Block:
    """The text goes no further; `text` is said in the place of an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Another text takes its place.

    `restore` maps placeholders to what stood there, to be put back for the user alone.
    """

    text: str
    restore: Mapping[str, str] = field(default_factory=dict[str, str])


type Verdict = Pass | Block | Rewrite


@dataclass(frozen=True, slots=True, kw_only=True)
class ShieldContext:
    """What a shield may use: models of the engine, and the question behind an answer."""

    engine: Engine
    question: str = ""


class Shield(Protocol):
    """A check of texts; it may raise anything, which its caller answers by the failure mode."""

    @property
    def info(self) -> ShieldInfo:
        """Name the shield; one that `may_rewrite` runs before those that only check."""
        ...

    @property
    def reads_documents(self) -> bool:
        """Say whether it is asked about documents and results of tools as well."""
        ...

    async def check(self, text: str, direction: Direction, context: ShieldContext, /) -> Verdict:
        """Judge a text. Of a document, `Rewrite` changes what the model sees of it alone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShieldSettings:
    """How shields run; `config.safety` says what each means.

    A piece of an answer that is no longer than `shortest_window` is rewritten as a whole, also
    where it stands in two windows.
    """

    on_failure: FailureMode = FailureMode.CLOSED
    on_answer_failure: FailureMode = FailureMode.CLOSED
    on_failure_of: Mapping[str, FailureMode] = field(default_factory=dict[str, FailureMode])
    failure_response: str = DEFAULT_FAILURE_RESPONSE
    seconds: float = 30.0
    window_sentences: int = 2
    shortest_window: int = 80
    window_characters: int = 2000
    look_behind: int = 400
    original_for: tuple[Literal["store", "search"], ...] = ()

    def failure_mode(self, name: str, direction: Direction) -> FailureMode:
        """Return what becomes of a text that this shield could not check."""
        is_answer = direction is Direction.OUTPUT
        general = self.on_answer_failure if is_answer else self.on_failure
        return self.on_failure_of.get(name, general)


def guards(shield: Shield, direction: Direction) -> bool:
    """Say whether a shield is asked about texts of that direction."""
    name = shield.info.identifier
    match direction:
        case Direction.INPUT:
            return not name.startswith("output_")
        case Direction.OUTPUT:
            return name.startswith(("output_", "inout_"))
        case Direction.DOCUMENT:
            return shield.reads_documents


def those_that_rewrite(shields: Sequence[Shield], direction: Direction) -> tuple[Shield, ...]:
    """Return the shields that may rewrite texts of that direction."""
    return tuple(each for each in shields if each.info.may_rewrite and guards(each, direction))


def those_that_check(shields: Sequence[Shield], direction: Direction) -> tuple[Shield, ...]:
    """Return the shields that pass or block texts of that direction and do no more."""
    return tuple(each for each in shields if not each.info.may_rewrite and guards(each, direction))
