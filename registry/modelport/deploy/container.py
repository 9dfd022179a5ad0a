"""The container and its pod, as Kubernetes, KServe and Knative have them in common.

Everything that a service does not need is taken away: it conforms to the "restricted" profile of the Pod Security
Standards. It runs as a number that is no user, cannot gain rights, has no capabilities, writes to a ``/tmp`` in memory
and nowhere else, and knows nothing of the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.deploy.deployment import HTTP_PORT, SCRATCH_MIB, SHORT_DRAIN_SECONDS, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelport.deploy.deployment import Deployment

__all__ = [
    "READY",
    "container_security",
    "knative_pod",
    "memory_notes",
    "pod_security",
    "probes",
    "resources",
    "scratch",
    "scratch_mount",
]

READY, LIVE = "/health/ready", "/health/live"


def container_security() -> dict[str, Any]:
    """Return the container's ``securityContext``."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod_security() -> dict[str, Any]:
    """Return the pod's ``securityContext``."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def resources(deployment: Deployment) -> dict[str, Any]:
    """Return what a container gets: memory is promised in full, so that no neighbour's peak ends it."""
    memory = f"{deployment.memory}Mi"
    return {"requests": {"cpu": deployment.promised_cpu, "memory": memory}, "limits": {"memory": memory}}


def memory_notes(deployment: Deployment) -> dict[str, None]:
    """Return the comment above the memory: where its figure comes from."""
    if deployment.measured is None:
        return {"# Decide: how much memory this model takes was not measured.": None}
    megabytes = -(-deployment.measured // 1_000_000)
    return {f"# The model's golden examples took {megabytes} MB; decide for larger calls than those.": None}


def knative_pod(deployment: Deployment, name: str, more: Mapping[str, Any], *, port: int | None) -> dict[str, Any]:
    """Return what Knative and KServe on it take of a pod: one container with one port, and little besides.

    Args:
        deployment: What is deployed.
        name: The container's name.
        more: What else it has, above its port.
        port: The port of its probes; None where the platform fills it in.
    """
    container = {
        "name": name,
        "image": str(deployment.image),
        **_own_grace(),
        **more,
        "ports": [{"name": "http1", "containerPort": HTTP_PORT, "protocol": "TCP"}],
        **memory_notes(deployment),
        "resources": resources(deployment),
        "securityContext": container_security(),
        **probes(port),
        "volumeMounts": [scratch_mount()],
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [scratch()],
    }


def _own_grace() -> dict[str, Any]:
    """Return the arguments for a platform that ends a container 30 seconds after its signal, whatever it is told."""
    return {
        "# The platform ends it 30 seconds after its signal: open calls get less than that.": None,
        "args": ["--drain-seconds", str(SHORT_DRAIN_SECONDS)],
    }


def probes(port: int | str | None) -> dict[str, Any]:
    """Return the three probes; *port* is a port's number or name, None where the platform fills it in."""

    def get(path: str) -> dict[str, Any]:
        return {"httpGet": {"path": path} | ({} if port is None else {"port": port})}

    return {
        "# Loading a model may take its time: two minutes here.": None,
        "startupProbe": {**get(READY), "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**get(READY), "periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {**get(LIVE), "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
    }


def scratch() -> dict[str, Any]:
    """Return the volume for what is written while it runs."""
    return {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": f"{SCRATCH_MIB}Mi"}}


def scratch_mount() -> dict[str, Any]:
    """Return where that volume is."""
    return {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - inside the container, in memory
