"""What documents and tools say, before a model reads it: orders to it are taken out.

The user is never refused for what a document says: a blocked text is left out, a rewritten one
takes its place, and both cost a warning. What the user is shown of a document stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lightspeed_core.assistant.passages import headline
from lightspeed_core.assistant.shields.checks import Checks
from lightspeed_core.assistant.shields.narrowing import LEFT_OUT, narrowed
from lightspeed_core.assistant.shields.shield import Direction, Pass, Rewrite, Shield, guards
from lightspeed_core.assistant.together import together
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.turn import TurnWarning


@dataclass(frozen=True, slots=True)
class ScreenedText:
    """A text as the model may read it, and what became of the rest."""

    text: str
    warnings: tuple[TurnWarning, ...] = ()


async def screen_text(
    text: str, name: str, shields: Sequence[Shield], checks: Checks, *, is_passage: bool = False
) -> ScreenedText:
    """Ask the shields that read documents, one after another; `name` begins a sentence.

    Of a text that is blocked the parts stay that pass; a passage goes as a whole.
    """
    warnings = list[TurnWarning]()
    for shield in shields:
        if not text or not guards(shield, Direction.DOCUMENT):
            continue
        said = await checks.ask(shield, text, Direction.DOCUMENT)
        warnings.extend(said.warnings)
        if isinstance(said.verdict, Pass):
            continue
        if said.failure is not None:
            return ScreenedText(LEFT_OUT, tuple(warnings))
        rest = None if is_passage else await narrowed(text, said, shield, checks)
        if rest is not None:
            text, left_out = rest
            warnings.append((_partly_left_out if left_out else _neutralised)(name, said.shield))
        elif isinstance(said.verdict, Rewrite):
            text = said.verdict.text
            warnings.append(_neutralised(name, said.shield))
        else:
            warnings.append(_left_out(name, said.shield))
            return ScreenedText(LEFT_OUT, tuple(warnings))
    return ScreenedText(text, tuple(warnings))


async def screen_chunks(
    chunks: Sequence[RagChunk], shields: Sequence[Shield], checks: Checks
) -> tuple[tuple[RagChunk, ...], tuple[TurnWarning, ...]]:
    """Return the chunks as the model may read them, each under its number, with the warnings.

    The line over a passage is judged as well, once for all that have it.
    """
    if not any(guards(shield, Direction.DOCUMENT) for shield in shields):
        return tuple(chunks), ()
    asked = {(headline(chunk), True): chunk for chunk in chunks} | {
        (chunk.content, False): chunk for chunk in chunks
    }
    answered = await together(
        screen_text(
            text, "A title" if is_title else _name_of(chunk), shields, checks, is_passage=True
        )
        for (text, is_title), chunk in asked.items()
    )
    screened = dict(zip(asked, answered, strict=True))
    warnings = dict.fromkeys(warning for each in answered for warning in each.warnings)
    return tuple(_as_read(chunk, screened) for chunk in chunks), tuple(warnings)


def _as_read(chunk: RagChunk, screened: Mapping[tuple[str, bool], ScreenedText]) -> RagChunk:
    title = headline(chunk)
    if (shown := screened[title, True].text) != title:
        chunk = replace(chunk, title=shown, url=None)
    text = screened[chunk.content, False].text
    return chunk if text == chunk.content else replace(chunk, content=text)


def _name_of(chunk: RagChunk) -> str:
    return f"Document {chunk.title or chunk.document_id or chunk.source or chunk.chunk_id}"


def _neutralised(name: str, shield: str) -> TurnWarning:
    return TurnWarning(
        code="document_neutralized",
        message=f"{name} gives orders to the assistant; shield {shield} took them out.",
    )


def _left_out(name: str, shield: str) -> TurnWarning:
    return TurnWarning(code="document_left_out", message=f"{name} was left out by shield {shield}.")


def _partly_left_out(name: str, shield: str) -> TurnWarning:
    return TurnWarning(
        code="document_left_out",
        message=f"Parts of {_within(name)} were left out by shield {shield}.",
    )


def _within(name: str) -> str:
    return name[:1].lower() + name[1:]
