"""Prompts that name variables: what can be said in them, and what cannot."""

import pytest

from lightspeed_core.config.place import BrokenPrompt
from lightspeed_core.config.prompt_language import LONGEST_TEMPLATE, compile_template
from lightspeed_core.config.prompt_template import (
    LONGEST_RENDERED,
    VARIABLES,
    PromptTemplate,
    compile_prompt,
    has_marks_in_vain,
)
from lightspeed_core.errors import PromptTooLong

RHEL = {"os": "RHEL", "version": "9.4", "arch": "x86_64", "date": "August 21, 2026"}


def rendered(text: str, **own: str) -> str:
    prompt = compile_prompt(text, own)
    return prompt if isinstance(prompt, str) else prompt.render(RHEL)


def template(text: str) -> PromptTemplate:
    prompt = compile_prompt(text)
    assert isinstance(prompt, PromptTemplate)
    return prompt


def refusal(text: str) -> BrokenPrompt:
    with pytest.raises(BrokenPrompt) as refused:
        compile_template(text, VARIABLES)
    return refused.value


@pytest.mark.requirement("prompt.literal")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "Be brief.\n",
        'Answer as {"name": "…"} or {} or {0}.',
        "Set ${HOME}, 100 % {#of it#}, } } and { { alone.",
        "a\r\nb",
    ],
)
def test_a_text_without_marks_stays_as_it_is(text: str) -> None:
    assert compile_prompt(text) == text
    assert not has_marks_in_vain(text)


@pytest.mark.requirement("prompt.literal")
@pytest.mark.parametrize(
    "text",
    [
        "oc get -o go-template='{{ .items }}'",
        "Charts read {{ .Values.version }} and {{- .os -}}.",
        "Playbooks loop: {% for host in groups %}{{ host }}{% endfor %}",
        "Write {{ my_date }} or {{ dates }}.",
        "{{ 5 }} and {{ nothing",
        "What is {{ meant }}? The date or the os.",
    ],
)
def test_a_text_that_names_no_variable_stays_as_it_is(text: str) -> None:
    assert compile_prompt(text) == text
    assert has_marks_in_vain(text)


@pytest.mark.requirement("prompt.refused")
@pytest.mark.parametrize("text", ["{{ date }} {{ nope }}", "{% if os %}", "{{ os", "{{ os.x }}"])
def test_a_text_that_names_a_variable_must_be_a_whole_template(text: str) -> None:
    assert not has_marks_in_vain(text)
    with pytest.raises(BrokenPrompt):
        compile_prompt(text)


@pytest.mark.requirement("prompt.variables")
@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Today is {{ date }}.\n", "Today is August 21, 2026.\n"),
        ("{{ os }} {{ version }} on {{ arch }}", "RHEL 9.4 on x86_64"),
        ("{{ os | lower }} {{ 'a b' | title | upper }} {{ ' x ' | trim }}", "rhel A B x"),
        ("{{ arch | default('any') }}", "x86_64"),
        ("{% if 'RH' in os and version != '8' %}yes{% else %}no{% endif %}", "yes"),
        ("{% if os == 'Fedora' %}F{% elif not os %}?{% else %}R{% endif %}", "R"),
        ("{{ 'Linux' if 'Ubuntu' not in os else 'Ubuntu' }}", "Linux"),
        ("{% if os is defined %}{{ os }}{% endif %}{# a note #}", "RHEL"),
        ("{% raw %}{{ .metadata.name }}{% endraw %} {{ os }}", "{{ .metadata.name }} RHEL"),
        ('{"date": "{{ date }}"}', '{"date": "August 21, 2026"}'),
    ],
)
def test_a_template_is_written_with_its_variables(text: str, written: str) -> None:
    assert rendered(text) == written


@pytest.mark.requirement("prompt.variables")
def test_a_variable_that_nobody_told_is_empty() -> None:
    text = "[{{ os }}|{{ os or 'Linux' }}|{{ arch | default('any') }}|{% if version %}x{% endif %}]"
    assert template(text).render({}) == "[|Linux|any|]"


@pytest.mark.requirement("prompt.profile-variables")
def test_a_prompt_has_variables_of_its_own() -> None:
    assert rendered("{{ product }} for {{ os }}", product="Console") == "Console for RHEL"


@pytest.mark.requirement("prompt.variables")
def test_what_a_variable_holds_is_never_a_template() -> None:
    hostile = "{{ date }}{% if os %}<b>{% endif %}"
    assert template("{{ os }}").render({"os": hostile}) == hostile


ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ os.__class__ }}",
    "{{ os['__class__'] }}",
    "{{ os | attr('__class__') }}",
    "{{ '%s' % os.__init__.__globals__ }}",
    "{{ '{0.__class__}'.format(os) }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ request }}",
    "{% import 'os' as o %}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% set x = os.__class__ %}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}",
    "{% call os() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% block b %}{% endblock %}",
    "{{ os | map(attribute='__class__') | list }}",
    "{{ os is sameas os.__class__ }}",
    "{{ [].append(os) }}",
    "{{ {}.__class__ }}",
    "{{ ().__class__ }}",
    # These would take their time or their memory.
    "{{ 10 ** 10 ** 10 }}",
    "{{ 'a' * 10 ** 10 }}",
    "{{ 'a' | center(10000000000) }}",
    "{{ os | replace('', 'aaaaaaaa') }}",
    "{{ '%010000000000d' | format(1) }}",
    "{{ os ~ os }}",
    "{% for a in range(1000000000) %}{% endfor %}",
    "{% for a in os %}{{ a }}{% endfor %}",
    # Values that would make rendering fail.
    "{{ os in 5 }}",
    "{{ 5 }}",
    "{{ -os }}",
    "{{ os if os }}",
    "{{ os | upper(1) }}",
    "{{ os | default(os) }}",
    "{{ os | default }}",
    "{{ os | default('a', true) }}",
    "{% if os < version %}{% endif %}",
    "{% if os == arch == version %}{% endif %}",
    "{% if 'a' in (os == 'x') %}{% endif %}",
]


@pytest.mark.requirement("prompt.sandbox")
@pytest.mark.parametrize("text", ATTACKS)
def test_what_is_no_part_of_the_language_is_refused_before_it_runs(text: str) -> None:
    assert refusal(f"Be brief.\n{text}").line == 2


@pytest.mark.requirement("prompt.sandbox")
@pytest.mark.parametrize(
    "text",
    [
        "{% if os %}" * 300 + "{% endif %}" * 300,
        "{{ " + "os or (" * 100 + "os" + ")" * 100 + " }}",
        "{% if " + "not " * 100 + "os %}{% endif %}",
        "{{ os" + " | upper" * 100 + " }}",
    ],
)
def test_a_template_is_not_nested_without_end(text: str) -> None:
    assert "nested too deeply" in refusal(text).text


@pytest.mark.requirement("prompt.sandbox")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_template_that_exhausts_its_reader_is_refused() -> None:
    assert "nested too deeply" in refusal("{{ " + "(" * 20_000).text


@pytest.mark.requirement("prompt.sandbox")
def test_templates_and_what_they_become_are_bounded() -> None:
    assert "characters" in refusal("{{ os }}" + " " * LONGEST_TEMPLATE).text
    longest = template("{{ os }}").render({"os": "x" * LONGEST_RENDERED})
    assert len(longest) == LONGEST_RENDERED
    with pytest.raises(PromptTooLong):
        template("{{ os }}" * 5).render({"os": "x" * (LONGEST_RENDERED // 4)})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a\nb {{ dat }}", 2, "unknown variable 'dat'; did you mean 'date'?"),
        ("{{ nope }}", 1, "there are arch, date, os, version"),
        ("a\n\n{{ os }", 3, "unexpected '}'"),
        ("{% if os %}\nx", 1, "Unexpected end of template"),
        ("x\n{{ os | shout }}", 2, "unknown filter 'shout'; there are capitalize, default"),
        ("x\n{{ os | upper(1) }}", 2, "filter 'upper' takes nothing in brackets"),
        ("oc get -o go-template='{{ .items }}'", 1, "{% raw %}"),
        ("{% for a in os %}{% endfor %}", 1, "'For' is no part of the language of prompts"),
    ],
)
def test_a_broken_template_is_told_with_its_line(text: str, line: int, said: str) -> None:
    broken = refusal(text)
    assert broken.line == line
    assert said in broken.text
