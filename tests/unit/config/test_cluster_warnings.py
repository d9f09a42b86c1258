"""Risks where a cluster says who callers are."""

from typing import Any

import pytest
from pydantic import ValidationError

from lightspeed_core.config.authentication import AuthenticationConfiguration
from lightspeed_core.config.cluster_warnings import describe_cluster

ACCOUNTS = [{"namespace": "web", "name": "proxy"}]


def warned(**section: Any) -> list[str]:
    return list(describe_cluster(AuthenticationConfiguration.model_validate(section)))


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ({"skip_tls_verification": True}, "authentication.skip_tls_verification"),
        ({"k8s_cluster_api": "http://api:6443"}, "authentication.k8s_cluster_api"),
        (
            {"module": "trusted-proxy", "trusted_proxy_config": {}},
            "authentication.trusted_proxy_config.allowed_service_accounts",
        ),
    ],
)
def test_a_setting_that_lets_others_speak_for_users_is_named(
    section: dict[str, Any], place: str
) -> None:
    (line,) = warned(**{"module": "k8s"} | section)
    assert line.startswith(place)


@pytest.mark.parametrize(
    "section",
    [
        {"skip_tls_verification": True},
        {"module": "k8s"},
        {"module": "k8s", "k8s_cluster_api": "https://api:6443"},
        {
            "module": "trusted-proxy",
            "trusted_proxy_config": {"allowed_service_accounts": ACCOUNTS},
        },
    ],
)
def test_settings_without_a_risk_are_passed_over(section: dict[str, Any]) -> None:
    assert warned(**section) == []


def test_a_header_that_no_request_can_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="user_header"):
        warned(module="trusted-proxy", trusted_proxy_config={"user_header": "X User:"})
