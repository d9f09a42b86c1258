from typing import Any

import pytest

from lightspeed_stack_providers.failures import UpstreamGarbage
from lightspeed_stack_providers.lean import LeanToolCall
from lightspeed_stack_providers.openai_compatible.lean_stream import LeanFold


def folded(*deltas: dict[str, Any], finish: str | None = None) -> LeanFold:
    fold = LeanFold()
    for delta in deltas:
        fold.take({"choices": [{"index": 0, "delta": delta}]})
    if finish:
        fold.take({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return fold


def fragment(arguments: str, **fields: Any) -> dict[str, Any]:
    name = fields.pop("name", None)
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"tool_calls": [{**fields, "function": function}]}


def test_tokens_are_handed_out_once() -> None:
    fold = folded({"content": "a"}, {"content": "b"})
    assert fold.take_tokens().tokens == ("a", "b")
    assert fold.take_tokens().tokens == ()


def test_reasoning_is_not_part_of_the_answer() -> None:
    fold = folded({"reasoning_content": "hmm", "content": None}, {"reasoning": "hm"})
    assert fold.last().tokens == ()


def test_a_list_of_parts_gives_its_text_without_the_thinking() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": []},
        {"type": "text", "text": "yes"},
    ]
    assert folded({"content": parts}).last().tokens == ("yes",)


def test_a_refusal_in_words_is_the_answer() -> None:
    assert folded({"refusal": "I will not"}).last().tokens == ("I will not",)


def test_fragments_become_whole_calls() -> None:
    fold = folded(
        fragment('{"a"', index=0, id="c1", name="first"),
        fragment(": 1}", index=0),
        fragment("", index=1, id="c2", name="second"),
        finish="tool_calls",
    )
    assert fold.last().tool_calls == (
        LeanToolCall(id="c1", name="first", arguments='{"a": 1}'),
        LeanToolCall(id="c2", name="second", arguments="{}"),
    )
    assert fold.last().finish_reason == "tool_calls"


def test_interleaved_fragments_find_their_calls() -> None:
    fold = folded(
        fragment("[", index=0, id="c1", name="first"),
        fragment("(", index=1, id="c2", name="second"),
        fragment("]", index=0),
        fragment(")", index=1),
    )
    assert [call.arguments for call in fold.last().tool_calls] == ["[]", "()"]


def test_parallel_calls_under_one_number_are_told_apart() -> None:
    fold = folded(
        fragment('{"n": 1}', index=0, id="c1", name="get"),
        fragment('{"n": 2}', index=0, id="c2", name="get"),
    )
    assert [call.arguments for call in fold.last().tool_calls] == ['{"n": 1}', '{"n": 2}']


def test_a_name_that_is_repeated_in_each_fragment_makes_one_call() -> None:
    fold = folded(
        fragment('{"n"', index=0, id="c1", name="get"),
        fragment(": 1}", index=0, id="c1", name="get"),
    )
    assert [call.arguments for call in fold.last().tool_calls] == ['{"n": 1}']


def test_calls_without_number_and_id_are_taken() -> None:
    fold = folded(fragment("{}", name="get"), fragment("{}", name="put"))
    assert [(call.id, call.name) for call in fold.last().tool_calls] == [
        ("call_0", "get"),
        ("call_1", "put"),
    ]
    assert fold.last().finish_reason == "tool_calls"


def test_arguments_given_as_an_object_become_text() -> None:
    fold = LeanFold()
    call = {"id": "c", "function": {"name": "get", "arguments": {"n": 1}}}
    fold.take({"choices": [{"message": {"content": None, "tool_calls": [call]}}]})
    assert fold.last().tool_calls == (LeanToolCall(id="c", name="get", arguments='{"n":1}'),)


def test_usage_comes_with_the_last_delta() -> None:
    fold = folded({"content": "a"}, finish="stop")
    fold.take({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    assert fold.last().usage == (3, 1)
    assert fold.last().finish_reason == "stop"


MISSHAPEN: list[dict[str, Any]] = [
    {"choices": [3]},
    {"choices": {"a": 1}},
    {"choices": [{"delta": "text"}]},
    {"choices": [{"delta": {"content": 3}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {}}]}}]},
    {"choices": [{"delta": {"tool_calls": 3}}]},
    {"usage": 3},
    {"usage": {"odd": 1}},
]


@pytest.mark.parametrize("event", MISSHAPEN)
def test_an_event_of_another_shape_is_garbage(event: dict[str, Any]) -> None:
    with pytest.raises(UpstreamGarbage):
        LeanFold().take(event)
