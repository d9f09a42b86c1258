"""The page of the metrics names what is exposed, and nothing else."""

import re
from pathlib import Path

import pytest

from lightspeed_core.observability.metrics import Metrics

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
# Made by the client library beside each counter and histogram.
CREATED = "_created"


def exposed() -> dict[str, str]:
    """Return the types of our metrics as a scrape shows them."""
    text = Metrics().render().decode()
    types = dict(re.findall(r"^# TYPE (ls_\w+) (\w+)$", text, re.MULTILINE))
    return {name: kind for name, kind in types.items() if not name.endswith(CREATED)}


def used() -> Metrics:
    """Return metrics of which each has a sample."""
    metrics = Metrics()
    call = {"provider": "openai", "model": "gpt", "endpoint": "/v1/query"}
    metrics.request_served(path="/v1/info", status=200, seconds=0.1)
    metrics.models_listed([("openai", "openai/gpt")], "openai/gpt")
    metrics.model_called(**call)
    metrics.model_failed(**call, seconds=0.1)
    metrics.tokens_used(**call, sent=1, received=1)
    metrics.refused(endpoint="/v1/query")
    metrics.quotas.refused("daily")
    metrics.approvals.answered("approved", 1.0)
    metrics.mcp.called(server="files", tool="read", result="success", seconds=0.1)
    metrics.mcp.unavailable("files")
    metrics.warned("vector_store_failed")
    metrics.shields.shield_checked(shield="pii", direction="input", outcome="passed", seconds=0.001)
    metrics.turns.first_text_came(**call, seconds=0.1)
    metrics.turns.turn_ended(endpoint="/v1/query", outcome="completed", seconds=0.1)
    with metrics.turns.retrieval():
        pass
    metrics.user_data_failed("feedback")
    metrics.room.show_places("turns", lambda: 1)
    metrics.room.turned_away("turns", "user")
    return metrics


def labels_of(text: str, name: str) -> set[str]:
    sample = re.search(rf"^{name}(?:_bucket)?(?:{{(.*)}})? ", text, re.MULTILINE)
    assert sample, name
    return set(re.findall(r'(\w+)="', sample.group(1) or "")) - {"le"}


@pytest.mark.requirement("metrics.names")
def test_every_metric_is_described_with_its_type_and_its_labels() -> None:
    rows = re.findall(
        r"^\| `(ls_\w+)` \| (\w+) \| (.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {name: kind for name, kind, _ in rows} == exposed()
    text = used().render().decode()
    described = {name: set(re.findall(r"`(\w+)`", labels)) for name, _, labels in rows}
    assert described == {name: labels_of(text, name) for name in described}
