"""Kubernetes itself: a Deployment that scales with its load, and what keeps it up and keeps others out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.deploy.container import (
    container_security,
    memory_notes,
    pod_security,
    probes,
    resources,
    scratch,
    scratch_mount,
)
from modelport.deploy.deployment import GRACE_SECONDS, GRPC_PORT, HTTP_PORT

if TYPE_CHECKING:
    from modelport.deploy.deployment import Deployment

__all__ = ["kubernetes", "metadata"]

_DRAIN_SECONDS = 5
_PAGES, _DOORS = ("/", "/openapi.json"), ("/model", "/v2", "/v1", "/health", "/assets")
_INSIDE = "# Only the cluster reaches it. Decide: without this (--public), whoever knows its address may call."


def kubernetes(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return the objects, one file each; ``kubectl apply -f FOLDER`` takes them all."""
    objects = {
        "serviceaccount.yaml": _account(deployment),
        "networkpolicy.yaml": _network_policy(deployment),
        "deployment.yaml": _deployment(deployment),
        "service.yaml": _service(deployment),
        "horizontalpodautoscaler.yaml": _autoscaler(deployment),
        "poddisruptionbudget.yaml": _disruption_budget(deployment),
    }
    if deployment.host:
        objects["ingress.yaml"] = _ingress(deployment)
    return objects


def metadata(deployment: Deployment, *, visibility: bool = False) -> dict[str, Any]:
    """Return an object's ``metadata``; with *visibility*, the label by which Knative and KServe keep it inside."""
    namespace = {"namespace": deployment.namespace} if deployment.namespace else {}
    inside = {_INSIDE: None, "networking.knative.dev/visibility": "cluster-local"}
    hidden = inside if visibility and not deployment.public else {}
    return {"name": deployment.object_name, **namespace, "labels": deployment.labels | hidden}


def _object(deployment: Deployment, version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata(deployment), "spec": spec}


def _account(deployment: Deployment) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(deployment),
        "# An image in a private registry needs imagePullSecrets here.": None,
        "automountServiceAccountToken": False,
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    spec = {
        "# How many run is the autoscaler's to say: see horizontalpodautoscaler.yaml.": None,
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": deployment.selector},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": deployment.labels, "annotations": _scraping()},
            "spec": _pod(deployment),
        },
    }
    return _object(deployment, "apps/v1", "Deployment", spec)


def _scraping() -> dict[str, str]:
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(HTTP_PORT), "prometheus.io/path": "/metrics"}


def _pod(deployment: Deployment) -> dict[str, Any]:
    return {
        "serviceAccountName": deployment.object_name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "terminationGracePeriodSeconds": GRACE_SECONDS + _DRAIN_SECONDS,
        "topologySpreadConstraints": [
            _spread(deployment, "kubernetes.io/hostname"),
            _spread(deployment, "topology.kubernetes.io/zone"),
        ],
        "containers": [_container(deployment)],
        "volumes": [scratch()],
    }


def _spread(deployment: Deployment, key: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": deployment.selector},
    }


def _container(deployment: Deployment) -> dict[str, Any]:
    return {
        "name": "service",
        "image": str(deployment.image),
        "imagePullPolicy": "IfNotPresent",
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
        ],
        **memory_notes(deployment),
        "resources": resources(deployment),
        "securityContext": container_security(),
        **probes("http"),
        "# Other nodes hear late that it goes: it answers on until they have. Needs Kubernetes 1.30.": None,
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN_SECONDS}}},
        "volumeMounts": [scratch_mount()],
    }


def _service(deployment: Deployment) -> dict[str, Any]:
    spec = {
        "type": "ClusterIP",
        "selector": deployment.selector,
        "ports": [
            {"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP"},
            {
                "name": "grpc",
                "port": GRPC_PORT,
                "targetPort": "grpc",
                "protocol": "TCP",
                "appProtocol": "kubernetes.io/h2c",
            },
        ],
    }
    return _object(deployment, "v1", "Service", spec)


def _autoscaler(deployment: Deployment) -> dict[str, Any]:
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.object_name},
        "minReplicas": deployment.replicas,
        "# Decide: what the cluster can bear at most.": None,
        "maxReplicas": deployment.most_replicas,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return _object(deployment, "autoscaling/v2", "HorizontalPodAutoscaler", spec)


def _disruption_budget(deployment: Deployment) -> dict[str, Any]:
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": deployment.selector},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return _object(deployment, "policy/v1", "PodDisruptionBudget", spec)


def _network_policy(deployment: Deployment) -> dict[str, Any]:
    ports = [{"protocol": "TCP", "port": HTTP_PORT}, {"protocol": "TCP", "port": GRPC_PORT}]
    spec = {
        "podSelector": {"matchLabels": deployment.selector},
        "policyTypes": ["Ingress", "Egress"],
        "# Decide: whoever reaches the pods' network may call. Say who with `from` beside `ports`.": None,
        "ingress": [{"ports": ports}],
        "# A model calls nobody.": None,
        "egress": [],
    }
    return _object(deployment, "networking.k8s.io/v1", "NetworkPolicy", spec)


def _ingress(deployment: Deployment) -> dict[str, Any]:
    backend = {"service": {"name": deployment.object_name, "port": {"name": "http"}}}
    kinds = dict.fromkeys(_PAGES, "Exact") | dict.fromkeys(_DOORS, "Prefix")
    paths = [{"path": path, "pathType": kind, "backend": backend} for path, kind in kinds.items()]
    spec = {
        "# Decide: the class of your ingress controller, and the secret of the certificate.": None,
        "tls": [{"hosts": [deployment.host], "secretName": f"{deployment.object_name}-tls"}],
        "# The page for people and the doors for calls; /metrics is for the cluster alone.": None,
        "rules": [{"host": deployment.host, "http": {"paths": paths}}],
    }
    return _object(deployment, "networking.k8s.io/v1", "Ingress", spec)
