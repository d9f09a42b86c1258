from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.domain.events import (
    ConversationCompacted,
    ModelAccepted,
    ModelFinished,
    Refused,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnIncomplete,
    Warned,
)
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import IncompleteReason, TurnError, TurnState, TurnWarning
from lightspeed_core.errors import EngineFailed
from tests.support.databases import a_turn

CALL = ToolCall(id="c", name="read", arguments={})
RESULT = ToolResult(call_id="c", name="read", status="success", content="21")
WARNING = TurnWarning(code="dead", message="A server is gone.", server="weather")


def test_a_turn_holds_what_its_events_said_in_their_order() -> None:
    begun = a_turn()
    fold = TurnFold(begun)
    for event in (
        ConversationCompacted(begun.conversation_id),
        ModelAccepted(),
        TextDelta(("It ", "is ")),
        ModelFinished(TokenUsage(input_tokens=3, output_tokens=2), "tool_calls"),
        ToolCallStarted(CALL),
        ToolCallFinished(RESULT),
        Warned(WARNING),
        TurnIncomplete(IncompleteReason.MAX_TOOL_CALLS),
        TextDelta(("warm.",)),
        ModelFinished(TokenUsage(input_tokens=5, output_tokens=1), "stop"),
        Refused("output_words", " No."),
    ):
        fold.add(event)

    turn = fold.result(TurnState.COMPLETED)

    assert turn.text == "It is warm. No."
    assert (turn.tool_calls, turn.tool_results, turn.warnings) == ((CALL,), (RESULT,), (WARNING,))
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (8, 3)
    assert (turn.state, turn.error, turn.refused_by) == (TurnState.COMPLETED, None, "output_words")
    assert turn.approvals == ()
    assert turn.incomplete_reason == "max_tool_calls"
    assert turn.completed_at is not None


def test_a_failed_turn_keeps_the_code_and_both_texts_of_its_error() -> None:
    turn = TurnFold(a_turn()).result(TurnState.FAILED, EngineFailed("The answer broke off."))

    assert turn.error == TurnError(
        code="engine_failed",
        message="Error while processing query",
        cause="The answer broke off.",
    )
