"""The config of an image: what runs in it, as whom, and what it says of itself.

Source: image-spec 1.1, ``config.md``, and Docker's ``Healthcheck``, a field that Docker reads and others skip.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelport.oci import Platform
    from modelport.types import Digest

__all__ = ["CONFIG", "GRPC_PORT", "HTTP_PORT", "image_config", "service_settings", "timestamp"]

CONFIG = "application/vnd.oci.image.config.v1+json"
HTTP_PORT, GRPC_PORT = 3330, 3331
_SECOND = 1_000_000_000


def image_config(
    platform: Platform,
    *,
    diff_ids: Sequence[Digest],
    settings: Mapping[str, Any],
    history: Sequence[str] = (),
    created: int = 0,
) -> dict[str, Any]:
    """Return the config of an image.

    Args:
        platform: What it runs on.
        diff_ids: The digests of its layers, uncompressed, the lowest first.
        settings: What is run, and how: the object ``config``.
        history: What made each layer, in words, the lowest first.
        created: When, in seconds since 1970.
    """
    time = timestamp(created)
    document: dict[str, Any] = {
        "created": time,
        **platform.to_json(),
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [str(one) for one in diff_ids]},
    }
    if history:
        document["history"] = [{"created": time, "created_by": one} for one in history]
    return document


def timestamp(seconds: int) -> str:
    """Return a time as RFC 3339 has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def service_settings(
    *,
    python: str,
    libraries: str,
    arguments: Sequence[str],
    labels: Mapping[str, str],
    user: int,
    inherited: Sequence[str],
) -> dict[str, Any]:
    """Return how the service in an image is run.

    It needs no shell, no right to write anywhere, and no user's name: it runs under a read-only root as any user.

    Args:
        python: The interpreter.
        libraries: The folder of all that is installed.
        arguments: What ``python -m modelport.serve`` is given.
        labels: What the image says of itself.
        user: The number of the user and the group.
        inherited: The base's own variables, each as ``NAME=value``.
    """
    variables = {
        "PYTHONPATH": libraries,
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime would tell its maker of each start
    }
    # A base's own settings of Python and of the linker are for what the base runs.
    own = [one for one in inherited if not one.startswith(("PYTHON", "LD_"))]
    kept = [one for one in own if one.partition("=")[0] not in variables]
    return {
        "User": f"{user}:{user}",
        "Env": [*kept, *(f"{name}={value}" for name, value in variables.items())],
        "Entrypoint": [python, "-m", "modelport.serve", *arguments],
        "WorkingDir": "/",
        "ExposedPorts": {f"{HTTP_PORT}/tcp": {}, f"{GRPC_PORT}/tcp": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": {
            "Test": ["CMD", python, "-m", "modelport.serve.health", "--port", str(HTTP_PORT)],
            "Interval": 30 * _SECOND,
            "Timeout": 5 * _SECOND,
            "StartPeriod": 60 * _SECOND,
            "Retries": 3,
        },
        "Labels": dict(sorted(labels.items())),
    }
