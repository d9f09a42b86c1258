from lightspeed_stack_providers.failures import UpstreamRejected
from lightspeed_stack_providers.openai_compatible.dialect import Dialect

BODY = {"model": "o3", "max_tokens": 9, "stream_options": {"include_usage": True}}
RENAMED = "400: Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."


def test_a_refused_parameter_is_left_out_from_then_on() -> None:
    dialect = Dialect()
    refused = UpstreamRejected("422: stream_options: Extra inputs are not permitted", 422)
    assert dialect.learn(BODY, refused)
    assert dialect.adapt(BODY) == {"model": "o3", "max_tokens": 9}


def test_a_renamed_parameter_keeps_its_value() -> None:
    dialect = Dialect()
    assert dialect.learn(BODY, UpstreamRejected(RENAMED, 400))
    adapted = dialect.adapt(BODY)
    assert "max_tokens" not in adapted
    assert adapted["max_completion_tokens"] == 9


def test_another_model_keeps_its_parameters() -> None:
    dialect = Dialect()
    dialect.learn(BODY, UpstreamRejected(RENAMED, 400))
    other = {**BODY, "model": "gpt-4o"}
    assert dialect.adapt(other) == other


def test_the_same_refusal_teaches_only_once() -> None:
    dialect = Dialect()
    refused = UpstreamRejected(RENAMED, 400)
    assert dialect.learn(BODY, refused)
    assert not dialect.learn(BODY, refused)


def test_a_value_out_of_range_teaches_nothing() -> None:
    refused = UpstreamRejected("400: max_tokens is too large: 9", 400)
    assert not Dialect().learn(BODY, refused)


def test_a_failure_of_the_server_teaches_nothing() -> None:
    assert not Dialect().learn(BODY, UpstreamRejected("500: unsupported max_tokens", 500))
