"""A folder of manifests: one model's, in one form, so that a tool that takes the whole folder takes nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelport.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelport.deploy.deployment import Deployment

__all__ = ["write_folder"]


def write_folder(
    folder: Path, form: str, texts: Mapping[str, str], deployment: Deployment
) -> tuple[list[Path], list[Path]]:
    """Write *texts*, the files of *form* for *deployment*, to *folder*, which is made.

    What an earlier run wrote there for the same model, and this one does not write, is removed: an Ingress that nobody
    asks for any more, for instance.

    Returns:
        The files that were written, and those that were removed.

    Raises:
        InputError: A file of another form or of somebody else has a name that manifests have.
    """
    from modelport.deploy import FORMS

    every = replace(deployment, host=deployment.host or "any")  # the forms write the most files for it
    own = {name: next(iter(document.items())) for name, document in FORMS[form](every).items()}
    there = [folder / name for one in FORMS.values() for name in one(every) if (folder / name).exists()]
    for file in there:
        if file.name not in own or not _is_of(deployment, own[file.name], file.read_text("utf-8", "replace")):
            raise InputError(
                f"{file} is not a file of this model for {form}", hint="--out names a folder for each model and form"
            )
    removed = sorted({file for file in there if file.name not in texts})
    for file in removed:
        file.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / name for name in texts]
    for file, text in zip(written, texts.values(), strict=True):
        file.write_text(text, "utf-8")
    return written, removed


def _is_of(deployment: Deployment, first: tuple[str, Any], text: str) -> bool:
    """Tell whether *text* is what a form whose document begins with *first* says of the same model, in any version."""
    name, (key, value) = deployment.object_name, first
    if key == "services":
        return text.startswith(f"services:\n  {name}:\n")
    told = (f"\n    app.kubernetes.io/name: {name}\n", "\n    app.kubernetes.io/managed-by: modelport\n")
    return text.startswith(f"{key}: {value}\n") and all(one in text for one in told)
