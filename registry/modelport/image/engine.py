"""A Docker engine: images are handed to it, and run with every right taken away that a service does not need.

It speaks through the Docker SDK, which finds the engine as ``docker`` does: by ``DOCKER_HOST``, by the context that is
in use, or at the usual socket. Podman's socket does, too.
"""

from __future__ import annotations

import ipaddress
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelport.errors import InputError, IntegrityError, SetupError
from modelport.image.archive import image_archive
from modelport.image.config import GRPC_PORT, HTTP_PORT
from modelport.image.running import NOT_THERE, Running, gone, reason, told
from modelport.oci.manifest import Manifest
from modelport.oci.values import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelport.oci import Descriptor, Layout

__all__ = ["Engine", "RunOptions", "engine", "is_local"]

_ELSEWHERE = "modelport image load hands an image to it; run that there with docker run, or say another DOCKER_HOST"
_TAKEN = re.compile(r"port is already allocated|address already in use|ports are not available", re.IGNORECASE)
_DISCARDS = 10
_SECONDS = 300  # for one answer: loading a large image takes a while


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a container is run.

    Attributes:
        host: The address of this machine that is published; loopback unless told otherwise.
        port: The port for HTTP, 0 for any free one.
        grpc_port: The port for gRPC, 0 for any free one; None publishes none.
        memory: MiB that it may use in all, ``/tmp`` included.
        cpus: Cores that it may use; 0 for all.
        pids: Processes and threads that it may have.
        scratch: MiB of ``/tmp``, the only folder that can be written to; it lies in memory.
    """

    host: str = "127.0.0.1"
    port: int = 0
    grpc_port: int | None = None
    memory: int = 1024
    cpus: float = 0
    pids: int = 256
    scratch: int = 64

    def flags(self) -> dict[str, Any]:
        """Return them as the Docker SDK takes them."""
        memory = f"{self.memory}m"
        ports: dict[str, tuple[str, int | None]] = {f"{HTTP_PORT}/tcp": (self.host, self.port or None)}
        if self.grpc_port is not None:
            ports[f"{GRPC_PORT}/tcp"] = (self.host, self.grpc_port or None)
        return {
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "tmpfs": {"/tmp": f"size={self.scratch}m,mode=1777,noexec,nosuid,nodev"},  # noqa: S108 - the container's
            "pids_limit": self.pids,
            "mem_limit": memory,
            "memswap_limit": memory,
            "nano_cpus": round(self.cpus * 1e9) or None,
            "ports": ports,
        }


@contextmanager
def engine(*, local: bool = False) -> Iterator[Engine]:
    """Connect to the user's engine.

    Args:
        local: Refuse one on another machine: what it publishes is not published here.

    Raises:
        SetupError: None answers, or it is on another machine.
    """
    import docker
    from docker.context import ContextAPI
    from docker.errors import DockerException

    found = docker.utils.kwargs_from_env()
    context = None if "base_url" in found else ContextAPI.get_current_context()
    if context and context.Host:
        found = {"base_url": context.Host, "tls": context.TLSConfig, **found}
    where = found.get("base_url", "its usual socket")
    if local and not is_local(found.get("base_url", "")):
        raise SetupError(f"the Docker engine at {where} is on another machine", hint=_ELSEWHERE)
    try:
        client = docker.DockerClient(**found, timeout=_SECONDS)
    except DockerException as error:
        raise SetupError(f"no Docker engine answers at {where}: {reason(error)}", hint=NOT_THERE) from error
    try:
        with told(where):
            version = client.version()
        yield Engine(client, where, Platform(version["Os"], version["Arch"]))
    finally:
        client.close()


def is_local(address: str) -> bool:
    """Tell whether the engine at *address* (as ``DOCKER_HOST`` has it, or '') is on this machine."""
    parts = urlsplit(address)
    if parts.scheme not in {"tcp", "http", "https", "ssh"}:
        return True  # a socket, a pipe
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answers; from :func:`engine`.

    Attributes:
        client: The Docker SDK's client.
        where: Its address.
        platform: What it runs on.
    """

    client: Any
    where: str
    platform: Platform

    def choose(self, layout: Layout, image: Descriptor, name: str) -> Descriptor:
        """Return the manifest that fits this engine: *image*, or one that it lists.

        Raises:
            InputError: It lists none for this engine's platform.
        """
        document = layout.manifest(image)
        if isinstance(document, Manifest):
            return image
        there = {one.platform: one for one in document.manifests if one.platform}
        for platform, one in there.items():
            if (platform.os, platform.architecture) == (self.platform.os, self.platform.architecture):
                return one
        listed = ", ".join(map(str, there)) or "no platform"
        raise InputError(
            f"the image of {name} is for {listed}, and the engine at {self.where} runs {self.platform}",
            hint=f"modelport image build {name} --platform {self.platform}",
        )

    def load(self, layout: Layout, image: Descriptor, name: str) -> str:
        """Hand the image over as *name* (``REPOSITORY:TAG``), unless the engine has it; return the engine's id of it.

        Raises:
            InputError: It is for another platform.
            IntegrityError: What the engine has then is another image.
            SetupError: The engine is out of reach, or refuses it.
        """
        from docker.errors import ImageNotFound

        chosen = self.choose(layout, image, name)
        config = Manifest.parse(layout.read(chosen)).config.digest
        with told(self.where):
            for known in map(str, (config, chosen.digest)):
                try:
                    there = self.client.images.get(known)
                except ImageNotFound:
                    continue
                there.tag(*name.rsplit(":", 1))
                return str(there.id)
            self.client.images.load(image_archive(layout, chosen, name))
            there = self.client.images.get(name)
        if there.id not in {str(config), str(chosen.digest)}:
            raise IntegrityError(f"the engine at {self.where} made {there.id} of the image {config}")
        return str(there.id)

    def pull(self, reference: str) -> str:
        """Let the engine pull ``HOST/REPOSITORY@DIGEST`` from its registry; return the engine's id of it."""
        with told(self.where):
            return str(self.client.images.pull(reference).id)

    def start(self, image: str, options: RunOptions) -> Running:
        """Run the image with the id *image*; it is not ready yet: see `Running.wait`.

        Raises:
            InputError: A port is taken.
            SetupError: The engine cannot run it.
        """
        name = f"modelport-{token_hex(6)}"  # known before it is there: whatever interrupts this, it is removed
        try:
            with told(self.where), _port_told(options):
                container = self.client.containers.create(image, name=name, detach=True, **options.flags())
                container.start()
                container.reload()
            return Running.of(container, where=self.where, memory=options.memory)
        except BaseException:
            self._discard(name)
            raise

    def _discard(self, name: str) -> None:
        """Remove a container that may just be starting: an engine refuses that for a moment."""
        for attempt in range(_DISCARDS):
            try:
                with told(self.where), gone():
                    self.client.containers.get(name).remove(force=True)
            except SetupError:
                if attempt == _DISCARDS - 1:
                    raise
                time.sleep(0.5)
            else:
                return


@contextmanager
def _port_told(options: RunOptions) -> Iterator[None]:
    """Say which port is taken, where that is what an engine refuses."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        if not _TAKEN.search(str(error.explanation)):
            raise
        ports = " or ".join(str(port) for port in (options.port, options.grpc_port) if port)
        raise InputError(f"port {ports} of {options.host} is taken", hint="--port 0 takes any free one") from error
