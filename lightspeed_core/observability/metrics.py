"""What the service counts, on a registry of its own, in Prometheus' text format."""

from collections.abc import Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from lightspeed_core.observability.approval_metrics import ApprovalMetrics
from lightspeed_core.observability.mcp_metrics import McpMetrics
from lightspeed_core.observability.quota_metrics import QuotaMetrics
from lightspeed_core.observability.room_metrics import RoomMetrics
from lightspeed_core.observability.shield_metrics import ShieldMetrics
from lightspeed_core.observability.turn_metrics import TurnMetrics

_CALL_LABELS = ("provider", "model", "endpoint")
_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)


class Metrics:
    """The metrics of one service. Labels never hold what a user wrote."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = _registry_of_process()
        self.turns = TurnMetrics(self._registry)
        self.room = RoomMetrics(self._registry)
        self.approvals = ApprovalMetrics(self._registry)
        self.quotas = QuotaMetrics(self._registry)
        self.shields = ShieldMetrics(self._registry)
        self.mcp = McpMetrics(self._registry)
        self._requests = self._counter(
            "ls_rest_api_calls_total", "REST API calls counter", ("path", "status_code")
        )
        self._responses = self._histogram(
            "ls_response_duration_seconds", "Response durations", ("path",)
        )
        self._models = self._gauge(
            "ls_provider_model_configuration",
            "LLM provider/models combinations defined in configuration",
            ("provider", "model"),
        )
        self._calls = self._counter("ls_llm_calls_total", "LLM calls counter", _CALL_LABELS)
        self._call_failures = self._counter(
            "ls_llm_calls_failures_total", "LLM calls failures", _CALL_LABELS
        )
        self._refusals = self._counter(
            "ls_llm_validation_errors_total", "LLM validation errors", ("endpoint",)
        )
        self._sent = self._counter("ls_llm_token_sent_total", "LLM tokens sent", _CALL_LABELS)
        self._received = self._counter(
            "ls_llm_token_received_total", "LLM tokens received", _CALL_LABELS
        )
        self._inferences = self._histogram(
            "ls_llm_inference_duration_seconds",
            "LLM inference durations",
            (*_CALL_LABELS, "result"),
        )
        self._degraded = self._gauge(
            "ls_started_in_degraded_mode", "Whether the service started without Llama Stack"
        )
        self._recording_failures = self._counter(
            "ls_recording_failures_total", "Turns that could not be recorded"
        )
        self._user_data_failures = self._counter(
            "ls_user_data_write_failures_total", "Files that could not be written", ("kind",)
        )
        self._audit_losses = self._counter(
            "ls_audit_records_lost_total", "Decisions that could not be stored"
        )
        self._warnings = self._counter("ls_warnings_total", "Warnings sent to clients", ("code",))

    def _counter(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, documentation, labels, registry=self._registry)

    def _gauge(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, documentation, labels, registry=self._registry)

    def _histogram(self, name: str, documentation: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, documentation, labels, buckets=_SECONDS, registry=self._registry)

    def request_served(self, *, path: str, status: int, seconds: float) -> None:
        """Count an answered request; `path` is the template of its route.

        Requests for the metrics themselves are timed and not counted.
        """
        self._responses.labels(path).observe(seconds)
        if not path.endswith("/metrics"):
            self._requests.labels(path, status).inc()

    def models_listed(self, models: Iterable[tuple[str, str]], default: str | None) -> None:
        """Show the language models, pairs of provider and identifier; one may be the default."""
        self._models.clear()
        for provider, identifier in models:
            self._models.labels(provider, identifier).set(identifier == default)

    def model_called(self, *, provider: str, model: str, endpoint: str) -> None:
        """Count a turn that called a model; `endpoint` is a path such as `/v1/query`."""
        self._calls.labels(provider, model, endpoint).inc()

    def model_answered(self, *, provider: str, model: str, endpoint: str, seconds: float) -> None:
        """Note how long a model call took."""
        self._inferences.labels(provider, model, endpoint, "success").observe(seconds)

    def model_failed(self, *, provider: str, model: str, endpoint: str, seconds: float) -> None:
        """Count a model or its provider that failed, and note how long that took."""
        self._call_failures.labels(provider, model, endpoint).inc()
        self._inferences.labels(provider, model, endpoint, "failure").observe(seconds)

    def tokens_used(
        self, *, provider: str, model: str, endpoint: str, sent: int, received: int
    ) -> None:
        """Count the tokens of a model call."""
        self._sent.labels(provider, model, endpoint).inc(sent)
        self._received.labels(provider, model, endpoint).inc(received)

    def refused(self, *, endpoint: str) -> None:
        """Count a question or an answer that a shield blocked."""
        self._refusals.labels(endpoint).inc()

    def started_degraded(self) -> None:
        """Note that the service started without Llama Stack."""
        self._degraded.set(1)

    def recording_failed(self) -> None:
        """Count a turn that could not be recorded."""
        self._recording_failures.inc()

    def user_data_failed(self, kind: str) -> None:
        """Count a file that could not be written; `kind` is `feedback` or `transcript`."""
        self._user_data_failures.labels(kind).inc()

    def audit_lost(self, count: int) -> None:
        """Count decisions that will not be in the audit's files."""
        self._audit_losses.inc(count)

    def warned(self, code: str) -> None:
        """Count a warning sent to a client; `code` is one of ours."""
        self._warnings.labels(code).inc()

    def render(self) -> bytes:
        """Return all metrics; their media type is `content_type`."""
        return generate_latest(self._registry)


def _registry_of_process() -> CollectorRegistry:
    """Return a registry with what is known of the process itself."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
