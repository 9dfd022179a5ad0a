"""KServe: an InferenceService with a predictor of our own, which speaks the Open Inference Protocol v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.deploy.container import (
    container_security,
    memory_notes,
    own_grace,
    probes,
    resources,
    scratch,
    scratch_mount,
)
from modelport.deploy.deployment import CALL_SECONDS, CONCURRENT, HTTP_PORT
from modelport.deploy.kubernetes import metadata

if TYPE_CHECKING:
    from modelport.deploy.deployment import Deployment

__all__ = ["kserve"]


def kserve(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return ``inferenceservice.yaml``, for KServe's Standard mode and for Knative's.

    Knative refuses what it does not hand on: a pod's ``securityContext`` and ``lifecycle`` among others.
    """
    predictor = {
        "minReplicas": deployment.replicas,
        "# Decide: what the cluster can bear at most.": None,
        "maxReplicas": deployment.most_replicas,
        "# In Knative's mode a replica more for so many calls at once; in Standard mode KServe scales by CPU.": None,
        "containerConcurrency": CONCURRENT,
        "timeout": CALL_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [_container(deployment)],
        "volumes": [scratch()],
    }
    return {
        "inferenceservice.yaml": {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata(deployment, visibility=True),
            "spec": {"predictor": predictor},
        }
    }


def _container(deployment: Deployment) -> dict[str, Any]:
    return {
        "name": "kserve-container",
        "image": str(deployment.image),
        **own_grace(),
        "# KServe reads here which protocol the container speaks.": None,
        "env": [{"name": "PROTOCOL", "value": "v2"}],
        "ports": [{"name": "http1", "containerPort": HTTP_PORT, "protocol": "TCP"}],
        **memory_notes(deployment),
        "resources": resources(deployment),
        "securityContext": container_security(),
        **probes(HTTP_PORT),
        "volumeMounts": [scratch_mount()],
    }
