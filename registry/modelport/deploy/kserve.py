"""KServe: an InferenceService with a predictor of our own, which speaks the Open Inference Protocol v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.deploy.container import knative_pod
from modelport.deploy.deployment import CALL_SECONDS, CONCURRENT, HTTP_PORT
from modelport.deploy.kubernetes import metadata

if TYPE_CHECKING:
    from modelport.deploy.deployment import Deployment

__all__ = ["kserve"]


def kserve(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return ``inferenceservice.yaml``, for KServe's Standard mode and for Knative's.

    Knative refuses what it does not hand on: a pod's ``securityContext`` and ``lifecycle`` among others.
    """
    more: dict[str, Any] = {
        "# KServe reads here which protocol the container speaks.": None,
        "env": [{"name": "PROTOCOL", "value": "v2"}],
    }
    predictor = {
        "minReplicas": deployment.replicas,
        "# Decide: what the cluster can bear at most.": None,
        "maxReplicas": deployment.most_replicas,
        "# In Knative's mode a replica more for so many calls at once; in Standard mode KServe scales by CPU.": None,
        "containerConcurrency": CONCURRENT,
        "timeout": CALL_SECONDS,
        **knative_pod(deployment, "kserve-container", more, port=HTTP_PORT),
    }
    return {
        "inferenceservice.yaml": {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata(deployment, visibility=True),
            "spec": {"predictor": predictor},
        }
    }
