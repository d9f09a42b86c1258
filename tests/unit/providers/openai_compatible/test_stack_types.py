from typing import Any

import pytest

from lightspeed_stack_providers.failures import UpstreamGarbage
from lightspeed_stack_providers.openai_compatible.stack_types import (
    chunk_of,
    completion_of,
    embeddings_of,
)


def test_nulls_and_missing_fields_of_a_completion_are_forgiven() -> None:
    answer: dict[str, Any] = {
        "created": 17.5,
        "choices": [{"message": {"content": "yes", "tool_calls": None}, "finish_reason": "eos"}],
        "usage": {"prompt_tokens": 1, "completion_tokens_details": {"reasoning_tokens": None}},
    }
    completion = completion_of(answer, "m")
    assert completion.model == "m"
    assert completion.created == 17
    assert completion.choices[0].finish_reason == "stop"
    assert completion.choices[0].message.content == "yes"


def test_fragments_of_calls_are_completed_for_the_stack() -> None:
    delta = {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}
    chunk = chunk_of({"choices": [{"delta": delta}]}, "m")
    calls = chunk.choices[0].delta.tool_calls
    assert calls is not None
    assert calls[0].function is not None
    assert (calls[0].function.name, calls[0].function.arguments) == ("", "{")


def test_a_message_in_place_of_a_delta_is_taken() -> None:
    chunk = chunk_of({"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}, "m")
    assert chunk.choices[0].delta.content == "yes"


def test_embeddings_come_in_the_order_of_their_texts() -> None:
    rows = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    typed = embeddings_of({"data": rows, "usage": None}, "m", expected=2)
    assert [row.embedding for row in typed.data] == [[1.0], [2.0]]


def test_a_missing_embedding_is_garbage() -> None:
    with pytest.raises(UpstreamGarbage, match="1 embeddings for 2 texts"):
        embeddings_of({"data": [{"embedding": [1.0]}]}, "m", expected=2)


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": 3},
        {"choices": [3]},
        {"choices": [{"message": "no", "delta": "no"}]},
        {"created": "yesterday"},
        {"choices": [{"message": {"tool_calls": [3]}, "delta": {"tool_calls": [3]}}]},
    ],
)
def test_an_answer_of_another_shape_is_garbage(answer: dict[str, Any]) -> None:
    with pytest.raises(UpstreamGarbage):
        completion_of(answer, "m")
    with pytest.raises(UpstreamGarbage):
        chunk_of(answer, "m")
    with pytest.raises(UpstreamGarbage):
        embeddings_of(answer, "m", expected=1)
