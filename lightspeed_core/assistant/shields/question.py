"""The question under its shields: rewritten in order first, then checked by all others at once.

What the user attached as text is rewritten with it, and read as a document. It knows no store:
what may be kept of a question until then is `kept_until_checked`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lightspeed_core.assistant.shields.checks import Checked, Checks
from lightspeed_core.assistant.shields.documents import screen_text
from lightspeed_core.assistant.shields.shield import (
    Block,
    Direction,
    Rewrite,
    Shield,
    those_that_check,
    those_that_rewrite,
)
from lightspeed_core.assistant.together import together
from lightspeed_core.domain.events import Refused
from lightspeed_core.domain.messages import Attachment
from lightspeed_core.domain.turn import Turn, TurnWarning

WITHHELD = "[withheld]"
"""Stands for a question that a shield should have rewritten and could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the user sent; `search_text` is what stores are searched for."""

    text: str
    search_text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A question after its shields; `restore` puts back for the user what was taken out of it."""

    question: Question
    warnings: tuple[TurnWarning, ...] = ()
    refusal: Refused | None = None
    restore: Mapping[str, str] = field(default_factory=dict[str, str])


def kept_until_checked(begun: Turn, shields: Sequence[Shield]) -> Turn:
    """Return what may be stored of a turn now: without words that a shield may take out."""
    if not those_that_rewrite(shields, Direction.INPUT):
        return begun
    return replace(begun, question="", attachments=())


async def inspect_question(
    question: Question, shields: Sequence[Shield], checks: Checks
) -> Inspected:
    """Let the shields rewrite and check; the first that blocks decides."""
    inspected = Inspected(question=question)
    for shield in those_that_rewrite(shields, Direction.INPUT):
        inspected = await _rewritten(inspected, shield, checks)
        if inspected.refusal is not None:
            return inspected
    guards = those_that_check(shields, Direction.INPUT)
    if guards:
        said = await checks.ask_all(guards, inspected.question.text, Direction.INPUT)
        inspected = _with(inspected, said)
    if inspected.refusal is None and inspected.question.attachments:
        inspected = await _with_screened_attachments(inspected, shields, checks)
    return inspected


async def _rewritten(inspected: Inspected, shield: Shield, checks: Checks) -> Inspected:
    """Rewrite every text of the question; each text that occurs twice is asked about once."""
    question = inspected.question
    texts = dict.fromkeys(
        (
            question.text,
            question.search_text,
            *(each.content for each in question.attachments if _is_text(each)),
        )
    )
    asked = await together(checks.ask(shield, text, Direction.INPUT) for text in texts)
    said = dict(zip(texts, asked, strict=True))
    result = _with(inspected, asked)
    if result.refusal is not None:
        if any(each.failure for each in asked):
            withheld = Question(text=WITHHELD, search_text=WITHHELD)
            return replace(result, question=withheld)
        return result
    changed = {text: _text_of(checked, text) for text, checked in said.items()}
    if all(text == other for text, other in changed.items()):
        return result
    name = shield.info.identifier
    warning = TurnWarning(code="question_rewritten", message=f"Shield {name} changed the question.")
    return replace(
        result,
        question=Question(
            text=changed[question.text],
            search_text=changed[question.search_text],
            attachments=tuple(
                replace(each, content=changed.get(each.content, each.content))
                if _is_text(each)
                else each
                for each in question.attachments
            ),
        ),
        warnings=(*result.warnings, warning),
        restore={**result.restore, **_restore_of(asked)},
    )


def _with(inspected: Inspected, said: Sequence[Checked]) -> Inspected:
    """Add what shields said: the refusal of the first that blocks, a failure told once."""
    refusals = (
        Refused(each.shield, each.verdict.text) for each in said if isinstance(each.verdict, Block)
    )
    told = (warning for each in said for warning in each.warnings)
    warnings = tuple(dict.fromkeys((*inspected.warnings, *told)))
    return replace(inspected, warnings=warnings, refusal=next(refusals, None))


async def _with_screened_attachments(
    inspected: Inspected, shields: Sequence[Shield], checks: Checks
) -> Inspected:
    attachments = list[Attachment]()
    warnings = list(inspected.warnings)
    for attachment in inspected.question.attachments:
        if not _is_text(attachment):
            attachments.append(attachment)
            continue
        screened = await screen_text(attachment.content, "An attachment", shields, checks)
        attachments.append(replace(attachment, content=screened.text))
        warnings.extend(screened.warnings)
    return replace(
        inspected,
        question=replace(inspected.question, attachments=tuple(attachments)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _is_text(attachment: Attachment) -> bool:
    return not attachment.content_type.casefold().startswith("image/")


def _text_of(checked: Checked, text: str) -> str:
    return checked.verdict.text if isinstance(checked.verdict, Rewrite) else text


def _restore_of(said: Sequence[Checked]) -> dict[str, str]:
    return {
        placeholder: text
        for each in said
        if isinstance(each.verdict, Rewrite)
        for placeholder, text in each.verdict.restore.items()
    }
