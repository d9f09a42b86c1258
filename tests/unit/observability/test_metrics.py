"""The counters under the names that dashboards know."""

from lightspeed_core.observability.metrics import Metrics


def test_a_call_is_counted_by_provider_model_and_endpoint() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.model_called(provider="openai", model="gpt", endpoint="/v1/query")
    metrics.model_failed(provider="openai", model="gpt", endpoint="/v1/query")
    lines = metrics.render().decode().splitlines()
    labels = '{endpoint="/v1/query",model="gpt",provider="openai"}'
    assert f"ls_llm_calls_total{labels} 2.0" in lines
    assert f"ls_llm_calls_failures_total{labels} 1.0" in lines
    assert "# HELP ls_llm_calls_total LLM calls counter" in lines
    assert "# HELP ls_llm_calls_failures_total LLM calls failures" in lines


def test_failures_of_our_own_are_counted() -> None:
    metrics = Metrics()
    metrics.recording_failed()
    metrics.journal_failed()
    metrics.warned("mcp_server_unavailable")
    lines = metrics.render().decode().splitlines()
    assert "ls_recording_failures_total 1.0" in lines
    assert "ls_journal_write_failures_total 1.0" in lines
    assert 'ls_warnings_total{code="mcp_server_unavailable"} 1.0' in lines


def test_two_services_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.recording_failed()
    assert "ls_recording_failures_total 0.0" in second.render().decode()


def test_the_media_type_is_that_of_the_text_format() -> None:
    assert Metrics.content_type.startswith("text/plain")
