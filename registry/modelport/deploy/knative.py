"""Knative: a Service that scales with the calls that are open, down to none where that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.deploy.container import knative_pod
from modelport.deploy.deployment import CALL_SECONDS, CONCURRENT
from modelport.deploy.kubernetes import metadata

if TYPE_CHECKING:
    from modelport.deploy.deployment import Deployment

__all__ = ["knative"]


def knative(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return ``service.yaml``."""
    annotations = {
        "autoscaling.knative.dev/metric": "concurrency",
        "autoscaling.knative.dev/target": str(CONCURRENT // 2),
        "# Decide: 0 costs nothing while nobody calls, and the first call then waits for the model to load.": None,
        "autoscaling.knative.dev/min-scale": str(deployment.replicas),
        "autoscaling.knative.dev/max-scale": str(deployment.most_replicas),
    }
    more: dict[str, Any] = {"# Knative takes one port: HTTP with the Open Inference Protocol, not gRPC.": None}
    spec = {
        "# The calls that one replica has open at once, which it puts together; more wait in front of it.": None,
        "containerConcurrency": CONCURRENT,
        "timeoutSeconds": CALL_SECONDS,
        **knative_pod(deployment, "service", more, port=None),
    }
    return {
        "service.yaml": {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": metadata(deployment, visibility=True),
            "spec": {"template": {"metadata": {"labels": deployment.labels, "annotations": annotations}, "spec": spec}},
        }
    }
