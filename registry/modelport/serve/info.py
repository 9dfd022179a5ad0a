"""What a service says about the model it serves, besides the signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelport.package.load import LoadedPackage

__all__ = ["ServiceInfo"]


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
        runtime: What runs its trained objects: ``framework``, or what runs their second form, as ``onnxruntime``.
        row_methods: The methods whose rows were found to be independent when it was packed.
    """

    name: str
    version: str | None = None
    digest: str | None = None
    tier: str = "code-bearing"
    python: str = ""
    requirements: tuple[str, ...] = ()
    license: str | None = None
    runtime: str = "framework"
    row_methods: frozenset[str] = frozenset()

    @classmethod
    def of_package(
        cls,
        package: LoadedPackage,
        *,
        name: str | None = None,
        version: str | None = None,
        digest: str | None = None,
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
            runtime=runtime,
            row_methods=frozenset(name for name, said in rows.items() if said.get("independent") is True),
        )
