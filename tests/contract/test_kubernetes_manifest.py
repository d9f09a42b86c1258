"""The manifest of the documents grants what the code asks for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.auth.modules.k8s import ACCESS_PATH

MANIFEST = Path(__file__).parents[2] / "docs/deployment/kubernetes-rbac.yaml"

pytestmark = pytest.mark.requirement("auth.k8s-manifest")


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")))


def test_users_may_get_the_path_that_is_asked_for() -> None:
    rules = [rule for each in documents() for rule in each.get("rules", ())]
    assert {"nonResourceURLs": [ACCESS_PATH], "verbs": ["get"]} in rules


def test_the_service_may_create_reviews_and_read_the_cluster_version() -> None:
    (account,) = [each["metadata"] for each in documents() if each["kind"] == "ServiceAccount"]
    subject = {"kind": "ServiceAccount"} | account
    bound = {
        each["roleRef"]["name"]
        for each in documents()
        if each["kind"] == "ClusterRoleBinding" and subject in each["subjects"]
    }
    roles = {each["metadata"]["name"]: each for each in documents() if "rules" in each}
    assert "system:auth-delegator" in bound
    (reader,) = [roles[name] for name in bound & roles.keys()]
    assert reader["rules"] == [
        {
            "apiGroups": ["config.openshift.io"],
            "resources": ["clusterversions"],
            "verbs": ["get"],
        }
    ]


def test_every_binding_names_a_role_that_is_there() -> None:
    roles = {each["metadata"]["name"] for each in documents() if each["kind"] == "ClusterRole"}
    named = {each["roleRef"]["name"] for each in documents() if "roleRef" in each}
    assert named == roles | {"system:auth-delegator"}
