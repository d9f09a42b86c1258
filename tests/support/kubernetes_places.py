"""Ways to a Kubernetes API that a process may find, and the client that takes them."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import yaml

from lightspeed_core.auth.kubernetes.client import KubernetesClient, open_kubernetes
from lightspeed_core.auth.kubernetes.connection import Surroundings
from lightspeed_core.config.authentication import AuthenticationConfiguration
from tests.support.kubernetes_api import Cluster, certificates


def empty_surroundings(folder: Path) -> Surroundings:
    """Return a machine that was given nothing to reach a cluster."""
    return Surroundings(
        environ={},
        token=str(folder / "token"),
        certificate=str(folder / "ca.crt"),
        kubeconfig=str(folder / "kubeconfig"),
    )


def opened(
    surroundings: Surroundings, **settings: Any
) -> AbstractAsyncContextManager[KubernetesClient]:
    return open_kubernetes(
        AuthenticationConfiguration.model_validate({"module": "k8s"} | settings), surroundings
    )


def pod(surroundings: Surroundings, cluster: Cluster, token: str) -> Surroundings:
    """Put the process into a pod of the cluster, whose certificate authority is at its place."""
    Path(surroundings.token).write_text(token)
    host, _, port = cluster.url.partition("://")[2].partition(":")
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    return Surroundings(
        environ=environ,
        token=surroundings.token,
        certificate=surroundings.certificate,
        kubeconfig=surroundings.kubeconfig,
    )


def write(path: str, text: str) -> None:
    """Put a text in a file, as whoever renews it does."""
    Path(path).write_text(text)


def kubeconfig(file: Path, server: str, user: dict[str, Any], **of_cluster: Any) -> None:
    """Write a kubeconfig with one context."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server} | of_cluster}],
        "users": [{"name": "u", "user": user}],
    }
    file.write_text(yaml.safe_dump(content))


def in_pod(
    cluster: Cluster, surroundings: Surroundings
) -> AbstractAsyncContextManager[KubernetesClient]:
    """Open a client that knows itself in a cluster, and asks the one given."""
    certificates(Path(surroundings.certificate).parent)
    place = pod(surroundings, cluster, "pods-own")
    return opened(place, k8s_cluster_api=cluster.url)
