"""The shields of one turn at their places: the question, what documents and tools say.

It ties shields to turns; what a shield says and what that means is decided in `shields`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.passages import Passages
from lightspeed_core.assistant.plain_text import DISGUISED, SANITIZER, is_disguised
from lightspeed_core.assistant.shields.checks import Checks
from lightspeed_core.assistant.shields.documents import screen_chunks, screen_text
from lightspeed_core.assistant.shields.question import Inspected, Question, inspect_question
from lightspeed_core.assistant.shields.registered import choose_shields
from lightspeed_core.assistant.shields.shield import Direction, Shield, ShieldContext, guards
from lightspeed_core.assistant.toolbox import Toolbox, ToolOutput
from lightspeed_core.domain.events import QuestionRewritten, Refused, Warned
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.observability.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """A turn whose question the shields have seen.

    `context` has the question as they left it, and `rewritten` says so to whoever keeps the turn.
    `told` comes behind the start of the answer.
    """

    context: TurnContext
    checks: Checks
    rewritten: QuestionRewritten | None = None
    told: tuple[Warned, ...] = ()
    refusal: Refused | None = None
    restore: Mapping[str, str] = field(default_factory=dict[str, str])

    async def chunks(
        self, chunks: Sequence[RagChunk]
    ) -> tuple[tuple[RagChunk, ...], tuple[TurnWarning, ...]]:
        """Return what was found as the model may read it, with the warnings about it."""
        return await screen_chunks(chunks, self.context.shields, self.checks)

    def toolbox(self, toolbox: Toolbox) -> Toolbox:
        """Return the tools with shields over what they answer; the same where none reads it."""
        readers = [each for each in self.context.shields if guards(each, Direction.DOCUMENT)]
        if not readers:
            return toolbox
        return _ScreenedToolbox(toolbox, readers, self.checks, self.context.passages)


async def screen_turn(
    context: TurnContext, engine: Engine, settings: AssistantSettings, metrics: Metrics
) -> Screening:
    """Let the shields see the question of a turn, before anything is added to it."""
    begun, request = context.begun, context.request
    checks = Checks(ShieldContext(engine=engine), settings.shielding, metrics.shields)
    if request.plain_text_only and is_disguised(begun.question):
        refusal = Refused(SANITIZER, DISGUISED)
        return Screening(context=context, checks=checks, refusal=refusal)
    if not context.shields:
        return Screening(context=context, checks=checks)
    asked = Question(
        text=begun.question,
        search_text=request.search_text or begun.question,
        attachments=begun.attachments,
    )
    inspected = await inspect_question(asked, context.shields, checks)
    question = inspected.question
    searched = asked if "search" in settings.shielding.original_for else question
    answered = ShieldContext(engine=engine, question=question.text)
    return Screening(
        context=replace(
            context,
            begun=replace(begun, question=question.text, attachments=question.attachments),
            request=replace(request, search_text=searched.search_text),
        ),
        checks=Checks(answered, settings.shielding, metrics.shields),
        rewritten=_rewritten(context, inspected),
        told=tuple(Warned(warning) for warning in inspected.warnings),
        refusal=inspected.refusal,
        restore=inspected.restore,
    )


async def screened_before(
    context: TurnContext, engine: Engine, settings: AssistantSettings, metrics: Metrics
) -> Screening:
    """Let the shields guard the rest of a turn that goes on; they have seen its question.

    Raises `NotFound` where one of them is gone.
    """
    restore: Mapping[str, str] = {}
    if context.continuation is not None:
        restore = context.continuation.restore
        names = context.continuation.shield_ids
        shields = await choose_shields(engine, settings.shields, names)
        context = replace(context, shields=shields)
    answered = ShieldContext(engine=engine, question=context.begun.question)
    checks = Checks(answered, settings.shielding, metrics.shields)
    return Screening(context=context, checks=checks, restore=restore)


def _rewritten(context: TurnContext, inspected: Inspected) -> QuestionRewritten | None:
    """Tell the question to whoever keeps the turn, where they do not have it yet."""
    begun, kept, question = context.begun, context.kept, inspected.question
    if context.keeps_original:
        question = Question(text=begun.question, search_text="", attachments=begun.attachments)
    is_known = (kept.question, kept.attachments) == (question.text, question.attachments)
    if is_known and not inspected.restore:
        return None
    return QuestionRewritten(question.text, question.attachments, inspected.restore)


class _ScreenedToolbox:
    """A toolbox whose answers are read by shields before a model reads them."""

    def __init__(
        self, toolbox: Toolbox, shields: Sequence[Shield], checks: Checks, passages: Passages
    ) -> None:
        self._toolbox = toolbox
        self._shields = shields
        self._checks = checks
        self._passages = passages

    def specs(self) -> tuple[ToolSpec, ...]:
        return self._toolbox.specs()

    def warnings(self) -> tuple[TurnWarning, ...]:
        return self._toolbox.warnings()

    async def call(self, call: ToolCall) -> ToolOutput:
        output = await self._toolbox.call(call)
        if output.passages:
            return await self._with_screened_passages(output)
        name = f"The result of tool {call.name}"
        screened = await screen_text(output.content, name, self._shields, self._checks)
        if not screened.warnings and screened.text == output.content:
            return output
        warnings = (*output.warnings, *screened.warnings)
        return replace(output, content=screened.text, warnings=warnings)

    async def _with_screened_passages(self, output: ToolOutput) -> ToolOutput:
        """Take out the passages that a shield objects to; the others stay."""
        numbers = output.passages
        found = [self._passages[number - 1] for number in numbers]
        read, warnings = await screen_chunks(found, self._shields, self._checks)
        self._passages.read_as(numbers, read)
        content = self._passages.fenced(numbers)
        return replace(output, content=content, warnings=(*output.warnings, *warnings))

    async def aclose(self) -> None:
        await self._toolbox.aclose()
