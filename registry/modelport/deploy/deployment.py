"""What is to run, and how much of it: the one value from which every form of manifest is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from modelport.errors import InputError

if TYPE_CHECKING:
    from modelport.types import Reference

__all__ = [
    "CALL_SECONDS",
    "CONCURRENT",
    "GRACE_SECONDS",
    "GRPC_PORT",
    "HTTP_PORT",
    "MIB",
    "SCRATCH_MIB",
    "SHORT_DRAIN_SECONDS",
    "USER",
    "Deployment",
    "default_memory",
]

HTTP_PORT, GRPC_PORT = 3330, 3331
"""Where the service listens in its image."""

USER = 65532
"""Who it runs as there: a number that no system gives to anybody."""

SCRATCH_MIB = 64
"""The size of ``/tmp``, which lies in memory and counts as such; nothing else can be written to."""

GRACE_SECONDS = 45
"""Between the signal to stop and the end: more than open calls get (``Limits.drain_seconds``), with time to spare."""

CALL_SECONDS = 45
"""How long a call may take, its line in front of the service included: more than ``Limits.call_seconds``."""

SHORT_DRAIN_SECONDS = 20
"""What open calls get where the platform has its own grace, Kubernetes' 30 seconds, and takes no other."""

CONCURRENT = 64
"""The calls that one replica has open at once: the service puts waiting calls together, so few at a time waste it."""

MIB = 2**20
_STEP, _LEAST = 64, 16
_HIGHEST_PORT = 65535
_DEFAULT_CPU = "500m"
_LONGEST_OBJECT = 52  # of the 63 characters of a DNS label; Knative and KServe put theirs behind it
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_CPU = re.compile(r"[0-9]{1,6}m|[0-9]{1,4}(\.[0-9]{1,3})?")
_MEMORY = re.compile(r"([0-9]{1,7})(Mi|Gi|m|g)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A model's service, to be run somewhere.

    Attributes:
        name: The model's name.
        version: Its version.
        image: The image's reference in a registry, with its digest.
        replicas: How many run at least.
        most_replicas: How many run at most, where something scales them.
        cpu: Cores of each, as Kubernetes writes them: ``500m``, ``2``, ``1.5``; nothing where nobody said. A cluster is
            then asked for half a core, and Compose limits none.
        memory: MiB of each, all that it may use.
        measured: The model's own peak in bytes, where it was measured.
        namespace: The Kubernetes namespace, or nothing: where the manifests are applied.
        host: The host name under which the service is reached from outside (Kubernetes), or nothing.
        port: The port on this machine (Compose), 0 for any free one.
        public: Whether the platform may make it known outside the cluster (KServe, Knative).

    Raises:
        InputError: A value is not one that a manifest can have.
    """

    name: str
    version: str
    image: Reference
    replicas: int = 2
    most_replicas: int = 10
    cpu: str = ""
    memory: int = field(default=0)
    measured: int | None = None
    namespace: str = ""
    host: str = ""
    port: int = HTTP_PORT
    public: bool = False

    def __post_init__(self) -> None:
        if not self.memory:
            object.__setattr__(self, "memory", default_memory(self.measured))
        if self.image.host is None or self.image.digest is None:
            raise InputError(f"{self.image} has no registry or no digest", hint="write HOST/REPOSITORY@sha256:...")
        if not 1 <= self.replicas <= self.most_replicas:
            raise InputError(
                f"{self.replicas} replicas at least and {self.most_replicas} at most",
                hint="at least one, and no more than at most: --replicas, --max-replicas",
            )
        if not 0 <= self.port <= _HIGHEST_PORT:
            raise InputError(f"{self.port} is no port", hint=f"--port is 1 to {_HIGHEST_PORT}, or 0 for any free one")
        if self.cpu and (not _CPU.fullmatch(self.cpu) or not self.cores):
            raise InputError(f"{self.cpu!r} is no amount of CPU", hint="write cores, 2 or 0.5, or thousandths, 500m")
        if self.namespace and (not _LABEL.fullmatch(self.namespace) or len(self.namespace) > 63):  # noqa: PLR2004 - DNS
            raise InputError(f"{self.namespace!r} is no namespace", hint="lowercase letters, digits and '-'")
        if self.host and not _HOST.fullmatch(self.host):
            raise InputError(
                f"{self.host!r} is no host name", hint="write it as a browser would get it: api.example.org"
            )

    @property
    def object_name(self) -> str:
        """The model's name as a DNS label (RFC 1035), as Kubernetes names its objects; two models never share one."""
        if _LABEL.fullmatch(self.name) and len(self.name) <= _LONGEST_OBJECT:
            return self.name
        plain = re.sub(r"[._]", "-", self.name)[: _LONGEST_OBJECT - 11].strip("-")
        # "a.b" and "a_b" are two models.
        return f"{'' if plain[0].isalpha() else 'm-'}{plain}-{sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def cores(self) -> Decimal:
        """The CPU as a number of cores; 0 where nobody said."""
        return Decimal(self.cpu[:-1]) / 1000 if self.cpu.endswith("m") else Decimal(self.cpu or 0)

    @property
    def promised_cpu(self) -> str:
        """The CPU that a cluster keeps free for each."""
        return self.cpu or _DEFAULT_CPU

    @property
    def labels(self) -> dict[str, str]:
        """The labels that Kubernetes' own tools know."""
        return {
            **self.selector,
            "app.kubernetes.io/version": self.version[:63].rstrip("-."),
            "app.kubernetes.io/managed-by": "modelport",
        }

    @property
    def selector(self) -> dict[str, str]:
        """The labels by which this deployment's pods are found; Kubernetes lets nobody change them later."""
        return {"app.kubernetes.io/name": self.object_name, "app.kubernetes.io/instance": self.object_name}


def default_memory(measured: int | None) -> int:
    """Return the MiB that a service gets: 1 GiB, or from the model's measured peak in bytes.

    The peak is that of the golden examples. Real calls are larger, the service itself takes its part, and ``/tmp`` is
    memory: half as much again, 64 MiB of ``/tmp`` and 64 MiB for the service, in steps of 64 MiB.
    """
    if measured is None:
        return 1024
    wanted = measured * 3 / 2 / MIB + SCRATCH_MIB + 64
    return int(-(-wanted // _STEP) * _STEP)


def parse_memory(text: str) -> int:
    """Return the MiB that *text* says: ``512Mi``, ``2Gi``, ``512m`` or ``2g``.

    Raises:
        InputError: It says none, or less than 16 MiB.
    """
    match = _MEMORY.fullmatch(text)
    mib = int(match[1]) * (1024 if match[2] in {"Gi", "g"} else 1) if match else 0
    if mib < _LEAST:
        raise InputError(f"{text!r} is no amount of memory", hint="write 512Mi or 2Gi; at least 16Mi")
    return mib
