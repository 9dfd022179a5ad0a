"""Docker Compose (the Compose Specification): one machine, one container, started again when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelport.deploy.container import memory_notes
from modelport.deploy.deployment import GRACE_SECONDS, HTTP_PORT, SCRATCH_MIB, USER

if TYPE_CHECKING:
    from modelport.deploy.deployment import Deployment

__all__ = ["compose"]


def compose(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return ``compose.yaml``; ``docker compose up`` runs it."""
    return {"compose.yaml": {"services": {deployment.object_name: _service(deployment)}}}


def _service(deployment: Deployment) -> dict[str, Any]:
    memory = f"{deployment.memory}m"
    return {
        "image": str(deployment.image),
        "user": f"{USER}:{USER}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": [f"/tmp:size={SCRATCH_MIB}m,mode=1777,noexec,nosuid,nodev"],  # noqa: S108 - in the container
        "pids_limit": 256,
        **memory_notes(deployment),
        "mem_limit": memory,
        "memswap_limit": memory,
        **({"cpus": float(deployment.cores)} if deployment.cpu else {}),
        "# Only this machine reaches it. Decide: a proxy in front of it adds TLS and says who may call.": None,
        "ports": [f"127.0.0.1:{deployment.port}:{HTTP_PORT}"],
        "# What is run to tell its health stands in the image.": None,
        "healthcheck": {"interval": "10s", "timeout": "5s", "retries": 3, "start_period": "120s"},
        "stop_grace_period": f"{GRACE_SECONDS}s",
        "restart": "unless-stopped",
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }
