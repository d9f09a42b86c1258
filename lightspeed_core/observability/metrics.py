"""What the service counts, on a registry of its own, in Prometheus' text format."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest

_CALL_LABELS = ("provider", "model", "endpoint")


class Metrics:
    """The counters of one service. Labels never hold what a user wrote."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = self._counter("ls_llm_calls_total", "LLM calls counter", _CALL_LABELS)
        self._call_failures = self._counter(
            "ls_llm_calls_failures_total", "LLM calls failures", _CALL_LABELS
        )
        self._recording_failures = self._counter(
            "ls_recording_failures_total", "Turns that could not be recorded"
        )
        self._journal_failures = self._counter(
            "ls_journal_write_failures_total", "Batches of events that could not be written"
        )
        self._warnings = self._counter("ls_warnings_total", "Warnings sent to clients", ("code",))

    def _counter(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, documentation, labels, registry=self._registry)

    def model_called(self, *, provider: str, model: str, endpoint: str) -> None:
        """Count a turn that called a model; `endpoint` is a path such as `/v1/query`."""
        self._calls.labels(provider, model, endpoint).inc()

    def model_failed(self, *, provider: str, model: str, endpoint: str) -> None:
        """Count a model or its provider that failed."""
        self._call_failures.labels(provider, model, endpoint).inc()

    def recording_failed(self) -> None:
        """Count a turn that could not be recorded."""
        self._recording_failures.inc()

    def journal_failed(self) -> None:
        """Count a batch of events that could not be written."""
        self._journal_failures.inc()

    def warned(self, code: str) -> None:
        """Count a warning sent to a client; `code` is one of ours."""
        self._warnings.labels(code).inc()

    def render(self) -> bytes:
        """Return all metrics; their media type is `content_type`."""
        return generate_latest(self._registry)
