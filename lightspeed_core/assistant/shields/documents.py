"""What documents and tools say, before a model reads it: orders to it are taken out.

The user is never refused for what a document says: a blocked text is left out, a rewritten one
takes its place, and both cost a warning. What the user is shown of a document stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lightspeed_core.assistant.shields.checks import Checks
from lightspeed_core.assistant.shields.shield import Block, Direction, Rewrite, Shield, guards
from lightspeed_core.assistant.together import together
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.turn import TurnWarning

LEFT_OUT: Final = "[This text was left out.]"


@dataclass(frozen=True, slots=True)
class ScreenedText:
    """A text as the model may read it, and what became of the rest."""

    text: str
    warnings: tuple[TurnWarning, ...] = ()


async def screen_text(
    text: str, name: str, shields: Sequence[Shield], checks: Checks
) -> ScreenedText:
    """Ask the shields that read documents, one after another; `name` begins a sentence."""
    warnings = list[TurnWarning]()
    for shield in shields:
        if not text or not guards(shield, Direction.DOCUMENT):
            continue
        said = await checks.ask(shield, text, Direction.DOCUMENT)
        warnings.extend(said.warnings)
        match said.verdict:
            case Block():
                warnings.extend(() if said.failure else (_left_out(name, said.shield),))
                return ScreenedText(LEFT_OUT, tuple(warnings))
            case Rewrite(text):
                warnings.append(_neutralised(name, said.shield))
            case _:
                pass
    return ScreenedText(text, tuple(warnings))


async def screen_chunks(
    chunks: Sequence[RagChunk], shields: Sequence[Shield], checks: Checks
) -> tuple[tuple[RagChunk, ...], tuple[TurnWarning, ...]]:
    """Return the chunks as the model may read them, each under its number, with the warnings."""
    if not any(guards(shield, Direction.DOCUMENT) for shield in shields):
        return tuple(chunks), ()
    screened = await together(
        screen_text(chunk.content, _name_of(chunk), shields, checks) for chunk in chunks
    )
    warnings = dict.fromkeys(warning for each in screened for warning in each.warnings)
    return (
        tuple(
            chunk if each.text == chunk.content else replace(chunk, content=each.text)
            for chunk, each in zip(chunks, screened, strict=True)
        ),
        tuple(warnings),
    )


def _name_of(chunk: RagChunk) -> str:
    return f"Document {chunk.title or chunk.document_id or chunk.source or chunk.chunk_id}"


def _neutralised(name: str, shield: str) -> TurnWarning:
    return TurnWarning(
        code="document_neutralized",
        message=f"{name} gives orders to the assistant; shield {shield} took them out.",
    )


def _left_out(name: str, shield: str) -> TurnWarning:
    return TurnWarning(code="document_left_out", message=f"{name} was left out by shield {shield}.")
