"""The metrics under the names that dashboards know."""

import pytest

from lightspeed_core.observability.metrics import Metrics

LABELS = '{endpoint="/v1/query",model="gpt",provider="openai"}'


def lines_of(metrics: Metrics) -> list[str]:
    return metrics.render().decode().splitlines()


def test_a_call_is_counted_by_provider_model_and_endpoint() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.model_called(provider="openai", model="gpt", endpoint="/v1/query")
    metrics.model_failed(provider="openai", model="gpt", endpoint="/v1/query", seconds=0.3)
    metrics.model_answered(provider="openai", model="gpt", endpoint="/v1/query", seconds=0.3)
    metrics.tokens_used(provider="openai", model="gpt", endpoint="/v1/query", sent=70, received=20)
    lines = lines_of(metrics)
    assert f"ls_llm_calls_total{LABELS} 2.0" in lines
    assert f"ls_llm_calls_failures_total{LABELS} 1.0" in lines
    assert f"ls_llm_token_sent_total{LABELS} 70.0" in lines
    assert f"ls_llm_token_received_total{LABELS} 20.0" in lines
    for result in ("success", "failure"):
        labels = f'{LABELS[:-1]},result="{result}"}}'
        assert f"ls_llm_inference_duration_seconds_count{labels} 1.0" in lines


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ls_rest_api_calls_total", "REST API calls counter"),
        ("ls_response_duration_seconds", "Response durations"),
        (
            "ls_provider_model_configuration",
            "LLM provider/models combinations defined in configuration",
        ),
        ("ls_llm_calls_total", "LLM calls counter"),
        ("ls_llm_calls_failures_total", "LLM calls failures"),
        ("ls_llm_validation_errors_total", "LLM validation errors"),
        ("ls_llm_token_sent_total", "LLM tokens sent"),
        ("ls_llm_token_received_total", "LLM tokens received"),
    ],
)
def test_a_metric_is_described_as_it_always_was(name: str, text: str) -> None:
    assert f"# HELP {name} {text}" in lines_of(Metrics())


def test_durations_fall_into_the_buckets_of_dashboards() -> None:
    metrics = Metrics()
    metrics.request_served(path="/v1/info", status=200, seconds=2)
    bounds = [
        line.split('le="')[1].split('"')[0]
        for line in lines_of(metrics)
        if line.startswith("ls_response_duration_seconds_bucket")
    ]
    assert bounds == [*map(str, (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)), "+Inf"]


def test_the_default_model_is_the_one_that_is_shown_with_1() -> None:
    metrics = Metrics()
    metrics.models_listed([("old", "old/model")], "old/model")
    metrics.models_listed([("a", "a/one"), ("b", "b/two")], "b/two")
    shown = [
        line for line in lines_of(metrics) if line.startswith("ls_provider_model_configuration{")
    ]
    assert shown == [
        'ls_provider_model_configuration{model="a/one",provider="a"} 0.0',
        'ls_provider_model_configuration{model="b/two",provider="b"} 1.0',
    ]


def test_a_degraded_start_is_shown() -> None:
    metrics = Metrics()
    assert "ls_started_in_degraded_mode 0.0" in lines_of(metrics)
    metrics.started_degraded()
    assert "ls_started_in_degraded_mode 1.0" in lines_of(metrics)


def test_what_cost_a_part_of_an_answer_is_counted() -> None:
    metrics = Metrics()
    metrics.recording_failed()
    metrics.warned("vector_store_failed")
    metrics.refused(endpoint="/v1/query")
    metrics.user_data_failed("feedback")
    lines = lines_of(metrics)
    assert 'ls_user_data_write_failures_total{kind="feedback"} 1.0' in lines
    assert "ls_recording_failures_total 1.0" in lines
    assert 'ls_warnings_total{code="vector_store_failed"} 1.0' in lines
    assert 'ls_llm_validation_errors_total{endpoint="/v1/query"} 1.0' in lines


def test_two_services_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.recording_failed()
    assert "ls_recording_failures_total 0.0" in lines_of(second)


def test_the_media_type_is_that_of_the_text_format() -> None:
    assert Metrics.content_type.startswith("text/plain")
