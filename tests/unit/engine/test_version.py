"""Which versions of Llama Stack are accepted, and how the others are refused."""

import pytest

from lightspeed_core.engine.llama_stack.version import check_version, installed_version
from lightspeed_core.errors import ConfigurationError


@pytest.mark.parametrize("version", ["0.7.0", "0.7.3", "0.7.1.dev2", "0.7.3+local", "v0.7.2rc1"])
def test_both_ends_of_the_range_and_suffixes_are_accepted(version: str):
    check_version(version)


@pytest.mark.requirement("stack.version-range")
def test_an_older_version_is_refused_with_both_versions():
    with pytest.raises(ConfigurationError) as raised:
        check_version("0.6.9")
    assert raised.value.cause == (
        "Llama Stack version >= 0.7.0 is required, but 0.6.9 is used; supported are 0.7.0 to 0.7.3"
    )


@pytest.mark.parametrize("version", ["0.7.4", "0.10.0", "1.0.0"])
def test_a_newer_version_is_refused_by_number_and_not_by_letter(version: str):
    with pytest.raises(ConfigurationError, match=f"<= 0.7.3 is required, but {version} is used"):
        check_version(version)


def test_a_text_without_a_version_is_refused():
    with pytest.raises(ConfigurationError, match="reports the version 'unknown'; supported are"):
        check_version("unknown")


def test_the_installed_package_is_in_the_range():
    check_version(installed_version())
