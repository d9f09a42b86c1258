"""What clients of the API rely on, row by row, with the tests of a started service that prove it.

The service runs with the engine inside and on SQLite unless the row says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Row:
    """What is asked and answered, and the tests: `file::function`, below `tests/e2e/`."""

    expects: str
    tests: tuple[str, ...]


def _row(expects: str, *tests: str) -> Row:
    return Row(expects, tests)


_PLAIN: Final = "test_conformance.py::"
_DATA: Final = "test_user_data.py::"
_TALKS: Final = "test_conversations.py::"
_START: Final = "test_start.py::"
_CALLERS: Final = "test_authentication.py::"
_REMOTE: Final = "test_server_mode.py::"

_UNREACHABLE: Final = (
    _START + "test_a_model_that_is_unreachable_is_503_before_the_stream_and_in_readiness"
)
_SERVER_GONE: Final = _REMOTE + "test_what_only_the_server_knows_is_unavailable_without_it"
_NOT_READY: Final = _REMOTE + "test_a_service_whose_server_is_gone_is_alive_and_not_ready"
_DEGRADED: Final = (
    _REMOTE + "test_a_degraded_service_is_whole_when_its_server_comes_and_survives_its_end"
)
_MALFORMED: Final = _PLAIN + "test_a_malformed_body_is_refused_with_its_reason"
_SWITCH: Final = _DATA + "test_feedback_is_switched_for_every_worker"
_WRONG_FEEDBACK: Final = _DATA + "test_feedback_of_the_wrong_form_is_refused"
_DELETED: Final = _TALKS + "test_a_deleted_conversation_is_gone_from_api_and_database"

LAST_ROW: Final = 53

ROWS: Final[Mapping[int, Row]] = {
    1: _row(
        "`GET /` is a page whose title names the service",
        _PLAIN + "test_the_root_is_a_page_that_names_the_service",
    ),
    2: _row(
        "the API's description and its pages load nothing from elsewhere",
        _PLAIN + "test_the_api_describes_itself_with_nothing_from_elsewhere",
        "test_pages.py::test_swagger_ui_shows_the_api_and_asks_this_server",
        "test_pages.py::test_redoc_shows_the_api_and_finds_in_it",
    ),
    3: _row(
        "alive, also when the backend is down",
        _PLAIN + "test_a_running_service_is_alive",
        _UNREACHABLE,
        _NOT_READY,
    ),
    4: _row("ready when healthy", _PLAIN + "test_a_booted_service_is_ready"),
    5: _row(
        "not ready, with the reason, when the backend is down; 200 when booted degraded",
        _UNREACHABLE,
        _NOT_READY,
        _DEGRADED,
    ),
    6: _row(
        "`GET /v1/info` has three keys; 503 only when a server of its own is down",
        _PLAIN + "test_info_names_the_service_and_both_versions",
        _UNREACHABLE,
        _SERVER_GONE,
    ),
    7: _row("`GET /v1/models`", _PLAIN + "test_models_are_listed_for_clients_of_both_kinds"),
    8: _row(
        "shields, tools and providers stand under their names; 503 without a server",
        "test_catalog.py::test_a_list_stands_under_its_name",
        _SERVER_GONE,
    ),
    9: _row("an unknown provider is 404", "test_catalog.py::test_what_is_not_listed_is_not_found"),
    10: _row("`GET /metrics` after a question", "test_catalog.py::test_a_question_is_counted"),
    11: _row("`user_id` names the caller", _PLAIN + "test_the_caller_is_who_the_parameter_says"),
    12: _row(
        "without it the default user",
        _PLAIN + "test_without_the_parameter_the_caller_is_the_default_user",
    ),
    13: _row("an empty `user_id` is 400", _PLAIN + "test_an_empty_user_id_is_refused"),
    14: _row(
        "`noop-with-token` without a header is 401",
        _CALLERS + "test_without_one_bearer_token_the_caller_is_refused",
    ),
    15: _row(
        "`noop-with-token` without a token is 401",
        _CALLERS + "test_without_one_bearer_token_the_caller_is_refused",
    ),
    16: _row(
        "`noop-with-token` with a token knows the caller and does not show it",
        _CALLERS + "test_the_named_user_is_believed_and_the_token_not_shown",
    ),
    17: _row("an answer has every key", _PLAIN + "test_a_question_is_answered_with_every_key"),
    18: _row(
        "a second question goes on with the conversation",
        _TALKS + "test_a_second_question_goes_on_with_the_conversation",
    ),
    19: _row("a missing question is named", _PLAIN + "test_a_missing_question_is_named"),
    20: _row("a model without provider is 422", _MALFORMED),
    21: _row("a provider without model is 422", _MALFORMED),
    22: _row("an unknown model is 404", _PLAIN + "test_an_unknown_model_is_not_found"),
    23: _row("a conversation id of another form is 422", _MALFORMED),
    24: _row(
        "an unknown conversation is 404", _PLAIN + "test_an_unknown_conversation_is_not_found"
    ),
    25: _row(
        "an attachment of an unknown type is 422",
        _PLAIN + "test_an_attachment_of_an_unknown_type_is_refused",
    ),
    26: _row("an unknown media type is 422", _MALFORMED),
    27: _row("an unknown field is 422", _MALFORMED),
    28: _row(
        "a system prompt is 422 where it is switched off",
        "test_conformance_settings.py::test_a_system_prompt_is_refused_where_it_is_switched_off",
    ),
    29: _row(
        "each turn has its own system prompt",
        _PLAIN + "test_the_system_prompt_of_each_turn_rules_it",
    ),
    30: _row(
        "a stream starts, ends, is numbered, and its tokens make the answer",
        _PLAIN + "test_a_stream_starts_and_ends_and_its_tokens_make_the_answer",
    ),
    31: _row("a plain stream is the raw text", _PLAIN + "test_a_plain_stream_is_the_raw_text"),
    32: _row("a stream is refused as JSON when the backend is down", _UNREACHABLE),
    33: _row("whether feedback is taken is told to anybody", _SWITCH),
    34: _row("feedback is switched for every worker", _SWITCH),
    35: _row("the switch takes no unknown key", _SWITCH),
    36: _row("feedback needs one of three forms", _WRONG_FEEDBACK),
    37: _row("a sentiment is -1 or 1", _WRONG_FEEDBACK),
    38: _row("good feedback is exactly one file", _DATA + "test_good_feedback_is_exactly_one_file"),
    39: _row(
        "an answer is exactly one transcript", _DATA + "test_an_answer_is_exactly_one_transcript"
    ),
    40: _row(
        "a conversation is listed after one turn",
        _TALKS + "test_one_turn_makes_an_entry_of_both_lists",
    ),
    41: _row(
        "a conversation has the user's message, then the assistant's",
        _TALKS + "test_a_conversation_is_read_turn_by_turn",
    ),
    42: _row("an id of another form is 400", _TALKS + "test_an_id_of_another_form_is_refused"),
    43: _row("what is deleted is 404; deleting again is no error", _DELETED),
    44: _row(
        "the second version lists, reads, names and deletes",
        _TALKS + "test_one_turn_makes_an_entry_of_both_lists",
        _TALKS + "test_a_conversation_is_read_turn_by_turn",
        _TALKS + "test_a_name_is_shown_and_survives_the_topic_of_a_model",
        _DELETED,
    ),
    45: _row(
        "an unknown key ends the start with file, key and nearest key",
        _START + "test_a_bad_line_is_refused_by_file_key_value_and_what_would_be_right",
    ),
    46: _row(
        "an expression in the configuration is replaced",
        _START + "test_an_expression_in_the_configuration_is_replaced",
    ),
    47: _row(
        "a stack of another version ends the start with both versions",
        _START + "test_a_stack_of_another_version_is_refused_with_both_versions",
    ),
    48: _row(
        "`jwk-token` with rules refuses a role without the action",
        _CALLERS + "test_a_token_may_do_what_its_roles_are_allowed",
    ),
    49: _row(
        "`jwk-token` without a header is 401",
        _CALLERS + "test_a_token_may_do_what_its_roles_are_allowed",
    ),
    50: _row(
        "headers for MCP servers that make no sense are ignored",
        _PLAIN + "test_headers_for_mcp_servers_that_make_no_sense_are_ignored",
    ),
    51: _row(
        "the configuration is shown without secrets",
        "test_catalog.py::test_the_configuration_is_shown_without_its_secrets",
    ),
    52: _row(
        "`-d` writes the configuration", _START + "test_the_dump_is_written_with_secrets_masked"
    ),
    53: _row(
        "SIGTERM lets a stream end, and leaves no half file",
        "test_streams.py::test_a_terminated_service_ends_its_streams_properly",
        "test_conformance_settings.py::test_a_service_that_ends_in_mid_stream_leaves_no_half_file",
    ),
}
