"""Words that count, and the stems that make their forms one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_stack_providers.extractive.terms import stem, terms


@pytest.mark.parametrize(
    "forms",
    [
        "configure configures configured configuration",
        "migrate migrates migrated migrating migration migrations",
        "store stores stored storing",
        "stop stops stopped stopping",
        "query queries",
        "database databases",
        "start starts started starting",
        "install installs installed installation",
        "key keys",
        "process processes processed",
        "deploy deployed deployment deployments",
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: str):
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize("word", ["pass", "status", "use", "run", "as", "is", "3", "é"])
def test_short_words_stay_as_they_are(word: str):
    assert stem(word) == word


def test_words_of_every_text_do_not_count():
    assert terms("How do I use this?") == []


def test_a_name_counts_as_itself_and_as_its_parts():
    assert terms("api_key") == ["api_key", "api", "key"]
    assert terms("__init__") == ["init"]


@given(st.text())
def test_any_text_has_terms(text: str):
    assert all(terms(text))


def test_texts_without_spaces_have_words_in_common_with_their_questions():
    text = set(terms("要更改端口，请设置 LIGHTSPEED_PORT。"))
    assert {"更改", "端口", "lightspeed_port"} <= text
    assert {"更改", "端口"} <= set(terms("如何更改端口？"))
    assert {"証明", "明書"} <= set(terms("証明書の更新")) & set(terms("証明書は自動です。"))
