"""Manifests that run a model's image: Docker Compose, Kubernetes, KServe, Knative.

Nothing here speaks to a cluster or an engine. A `Deployment` says what is to run and how much of it; ``manifests``
writes it down in one of the four forms, the same bytes each time. Whoever deploys reads them, decides where a comment
asks, keeps them in git and hands them to their own tools: this is how a service grows past one machine.

- ``deployment.py``: the value, and what it takes for granted where nothing was said.
- ``container.py``: the container as every Kubernetes form has it: ports, probes, resources, and all rights dropped.
- ``compose.py``, ``kubernetes.py``, ``kserve.py``, ``knative.py``: one form each.
- ``text.py``: YAML with comments.
- ``folder.py``: the folder that they are written to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.deploy.compose import compose
from modelport.deploy.deployment import Deployment, default_memory
from modelport.deploy.folder import write_folder
from modelport.deploy.knative import knative
from modelport.deploy.kserve import kserve
from modelport.deploy.kubernetes import kubernetes
from modelport.deploy.text import manifest_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["FORMS", "Deployment", "default_memory", "manifests", "write_folder"]

FORMS: dict[str, Callable[[Deployment], dict[str, dict[str, Any]]]] = {
    "compose": compose,
    "kubernetes": kubernetes,
    "kserve": kserve,
    "knative": knative,
}
"""Each form and what makes its documents, by the names of their files."""


def manifests(form: str, deployment: Deployment) -> dict[str, str]:
    """Return the text of each file of *form* (a key of ``FORMS``) by its name, in the order of use."""
    return {name: manifest_text(document) for name, document in FORMS[form](deployment).items()}
