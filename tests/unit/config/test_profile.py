"""Prompts as the configuration gives them: a broken one stops the start, with its line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.customization import CustomizationConfiguration
from lightspeed_core.config.load import load_configuration
from lightspeed_core.errors import ConfigurationError

MINIMAL: dict[str, Any] = {
    "name": "Lightspeed",
    "service": {},
    "llama_stack": {"url": "http://llama-stack:8321"},
    "user_data_collection": {},
}


def customized(folder: Path, **keys: Any) -> CustomizationConfiguration:
    file = folder / "lcs.yaml"
    file.write_text(yaml.safe_dump({**MINIMAL, "customization": keys}))
    customization = load_configuration(file, {"HOME": str(folder)}).customization
    assert customization is not None
    return customization


def refusal(folder: Path, **keys: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        customized(folder, **keys)
    return str(refused.value)


def profile_of(folder: Path, text: str) -> str:
    file = folder / "profile.py"
    file.write_text(text)
    return str(file)


@pytest.mark.requirement("prompt.profile-variables")
def test_a_profile_brings_variables_for_its_prompts_and_for_the_configured_one(
    tmp_path: Path,
) -> None:
    path = profile_of(
        tmp_path,
        "PROFILE_CONFIG = {'system_prompts': {'topic_summary': 'About {{ product }}.'},\n"
        "    'variables': {'product': 'Console'}}\n",
    )
    section = customized(tmp_path, profile_path=path, system_prompt="You know {{ product }}.")
    assert section.custom_profile is not None
    assert section.custom_profile.variables == {"product": "Console"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ("5", "variables must map names to texts"),
        ("None", "variables must map names to texts"),
        ("{'n': 5}", "variables.n must be a text"),
        ("{'a b': 'x'}", "variables: 'a b' must be a name"),
        ("{5: 'x'}", "variables: 5 must be a name"),
        ("{'date': 'x'}", "variables.date: every prompt has a variable of this name"),
    ],
)
def test_variables_of_another_kind_are_refused(tmp_path: Path, variables: str, said: str) -> None:
    path = profile_of(tmp_path, f"PROFILE_CONFIG = {{'variables': {variables}}}")
    assert f"custom profile '{path}': {said}" in refusal(tmp_path, profile_path=path)


@pytest.mark.requirement("prompt.refused")
@pytest.mark.parametrize("name", ["default", "topic_summary"])
def test_a_broken_prompt_of_a_profile_is_told_with_its_line_in_the_file(
    tmp_path: Path, name: str
) -> None:
    prompts = f'{{"{name}": """Of {{{{ os }}}}.\n\n{{{{ dat }}}}\n"""}}'
    path = profile_of(tmp_path, f'# ours\nPROFILE_CONFIG = {{"system_prompts": {prompts}}}\n')
    told = refusal(tmp_path, profile_path=path)
    assert f"custom profile '{path}', line 4: system_prompts.{name}: unknown variable 'dat'" in told


def test_a_broken_prompt_that_code_puts_together_is_told_with_its_own_line(tmp_path: Path) -> None:
    path = profile_of(
        tmp_path, "PROFILE_CONFIG = {'system_prompts': {'default': 'a\\n' + '{{ os + nope }}'}}"
    )
    told = refusal(tmp_path, profile_path=path)
    assert f"custom profile '{path}', line 2 of the prompt: system_prompts.default" in told


def test_a_prompt_of_a_profile_that_nothing_uses_may_be_anything(tmp_path: Path) -> None:
    path = profile_of(tmp_path, "PROFILE_CONFIG = {'system_prompts': {'other': '{{ nope }}'}}")
    section = customized(tmp_path, profile_path=path)
    assert section.custom_profile is not None
    assert section.custom_profile.prompts == {"other": "{{ nope }}"}


@pytest.mark.requirement("prompt.refused")
def test_a_broken_prompt_of_a_file_is_told_with_file_and_line(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Be kind.\n{% if os %}\n{{ os }\n")
    told = refusal(tmp_path, system_prompt_path=str(prompt))
    assert "customization.system_prompt_path" in told
    assert f"{prompt}, line 3: unexpected '}}'" in told


@pytest.mark.requirement("prompt.refused")
def test_a_broken_prompt_in_the_configuration_is_told_with_key_and_line(tmp_path: Path) -> None:
    told = refusal(tmp_path, system_prompt="Be kind.\n{{ os.upper() }}")
    assert "lcs.yaml, line 2: customization.system_prompt = " in told
    assert "line 2: 'Call' is no part of the language of prompts" in told
