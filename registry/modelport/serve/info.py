"""What a service says about the model it serves, besides the signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from modelport.package.load import LoadedPackage

__all__ = ["ServiceInfo"]


_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceInfo:
    """The identity of the served model.

    Attributes:
        name: The model's name.
        version: Its version, when it has one.
        digest: The digest of its package, when it is known.
        tier: ``data-only`` or ``code-bearing``.
        python: The Python that the package was made with.
        requirements: What it needs directly, as ``name==version``.
        license: The text of its licence, when the package holds one.
        spdx: Its licence as an SPDX expression, when the catalog knows it.
        runtime: What runs its trained objects: ``framework``, or what runs their second form, as ``onnxruntime``.
        idle: The distributions that nothing needs which runs: those of the other form of its trained objects.
        row_methods: The methods whose rows were found to be independent when it was packed.
    """

    name: str
    version: str | None = None
    digest: str | None = None
    tier: str = "code-bearing"
    python: str = ""
    requirements: tuple[str, ...] = ()
    license: str | None = None
    spdx: str = ""
    runtime: str = "framework"
    idle: tuple[str, ...] = ()
    row_methods: frozenset[str] = frozenset()

    @property
    def license_name(self) -> str:
        """What its licence is called: the SPDX expression, or the first line of the text; nothing when it has none."""
        lines = (self.license or "").strip().splitlines()
        return self.spdx or (lines[0].strip()[:_LONGEST] if lines else "")

    @classmethod
    def of_package(
        cls,
        package: LoadedPackage,
        *,
        name: str | None = None,
        version: str | None = None,
        digest: str | None = None,
        spdx: str = "",
        runtime: str = "framework",
    ) -> ServiceInfo:
        """Return what *package* says of itself, under *name* if given, and what only its publisher knows."""
        text = package.folder / "LICENSE"
        rows = package.info.get("rows", {})
        return cls(
            name=name or package.name,
            version=version,
            digest=digest,
            tier=package.info["tier"]["level"],
            python=package.info["python"],
            requirements=tuple(package.info["requirements"]),
            license=text.read_text("utf-8", errors="replace") if text.is_file() else None,
            spdx=spdx,
            runtime=runtime,
            idle=_idle(package.info, "path" if runtime == "framework" else "of"),
            row_methods=frozenset(name for name, said in rows.items() if said.get("independent") is True),
        )


def _idle(info: Mapping[str, Any], which: str) -> tuple[str, ...]:
    """Return what only the second forms (``path``) or only the first ones (``of``) need, as ``package.json`` has it."""
    forms = {one[which] for one in info.get("alternatives") or ()}
    return tuple(name for name, paths in (info.get("needed_by") or {}).items() if set(paths) <= forms)
