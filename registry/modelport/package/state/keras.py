"""Keras 3 models as ``.keras``: a zip of JSON and an HDF5 file of weights, loaded in safe mode.

Keras writes the date and memory addresses into its files, and the optimizer's slots, which a packed model does not
need; here they are left out, so that the same trained state gives the same bytes.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, ClassVar

from modelport.errors import FormatError, PackError
from modelport.package.modules import PACKED_PREFIX
from modelport.package.state.zips import check_zip, write_zip

__all__ = ["KerasBackend"]

_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}
_CODE = frozenset({"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
"""Layers that keep code, not data (CVE-2025-1550, CVE-2026-1462 and their like)."""


class KerasBackend:
    """Keeps Keras 3 models made of Keras's own layers."""

    suffix: ClassVar[str] = ".keras"
    imports: ClassVar[tuple[str, ...]] = ("keras", "tensorflow")

    def keeps(self, value: object) -> bool:
        """Tell whether *value* is a Keras 3 model."""
        # Keras binds its lazily imported names late: the public class is there only when a model can be.
        keras = sys.modules.get("keras")
        return keras is not None and isinstance(value, getattr(keras, "Model", ()))

    def save(self, value: Any, file: Path) -> tuple[str, ...]:
        """Write the model without its optimizer."""
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder) / "model.keras"
            value.save(raw)
            with zipfile.ZipFile(raw) as archive:
                members = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(members["config.json"])
        if refused := sorted({_shown(name) for name in _foreign(config)}):
            raise PackError(
                f"the Keras model {value.name!r} holds {', '.join(refused)}, which cannot be kept as data",
                hint="build the model from Keras's own layers; do the rest in the method's code",
            )
        config.pop("compile_config", None)
        _renumber(config)
        metadata = json.loads(members["metadata.json"])
        metadata.pop("date_saved", None)
        members["config.json"] = _compact(config)
        members["metadata.json"] = _compact(metadata)
        members["model.weights.h5"] = _weights(members["model.weights.h5"])
        write_zip(file, members)
        return ()

    def load(self, file: Path) -> object:
        """Return the model, not compiled; refuse layers that keep code, and weights that lie elsewhere."""
        names = check_zip(file)
        if foreign := sorted(n for n in names - _MEMBERS if not n.startswith("assets/")):
            raise FormatError(f"{file} holds {foreign[0]!r}, which is no part of a .keras file")
        try:
            with zipfile.ZipFile(file) as archive:
                config = json.loads(archive.read("config.json"))
                _check_weights(archive.read("model.weights.h5"), file)
            _check_config(config, file)
            import keras  # what is refused is refused without it: it takes seconds

            return keras.saving.load_model(file, compile=False, safe_mode=True)
        except FormatError:
            raise
        except Exception as error:  # a configuration calls constructors, which raise what they like
            raise FormatError(f"{file} is not a .keras file that can be loaded: {error}") from error


def _check_config(config: Any, file: Path) -> None:
    if refused := sorted(_foreign(config)):
        raise FormatError(f"{file} holds code, not data: {', '.join(refused)}")


def _foreign(node: Any) -> set[str]:
    """Return the classes of a configuration that are not Keras's own, or that keep code."""
    if isinstance(node, list):
        return {name for one in node for name in _foreign(one)}
    if not isinstance(node, dict):
        return set()
    found = {name for one in node.values() for name in _foreign(one)}
    if "class_name" in node:
        module, name = node.get("module"), node["class_name"]
        own = module is None or str(module).partition(".")[0] in {"keras", "builtins"}
        if not own or name in _CODE or not isinstance(name, str):
            found.add(f"{module}.{name}" if module else str(name))
    return found


def _shown(name: str) -> str:
    """Return a class as its author knows it: without the name under which we ran the file that has it."""
    return name.rpartition(".")[2] if name.startswith((PACKED_PREFIX, "__main__.")) else name


def _renumber(config: Any, seen: dict[int, int] | None = None) -> None:
    """Number shared objects in the order they are met; Keras writes their addresses."""
    seen = {} if seen is None else seen
    if isinstance(config, list):
        for one in config:
            _renumber(one, seen)
    elif isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            config.pop("shared_object_id", None)  # a policy is a plain value: whether two layers share one says nothing
        if isinstance(config.get("shared_object_id"), int):
            config["shared_object_id"] = seen.setdefault(config["shared_object_id"], len(seen) + 1)
        for one in config.values():
            _renumber(one, seen)


def _weights(content: bytes) -> bytes:
    """Return the HDF5 file written anew: sorted, without times, without the optimizer's slots.

    The earliest file format has no times in the headers of its groups; the latest one does.
    """
    import h5py

    target = io.BytesIO()
    with h5py.File(io.BytesIO(content), "r") as old, h5py.File(target, "w", libver=("earliest", "v108")) as new:
        _copy(old, new)
    return target.getvalue()


def _check_weights(content: bytes, file: Path) -> None:
    """Refuse links and external storage, by which an HDF5 file reads other files."""
    import h5py

    def check(group: Any) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            one = group[name] if isinstance(link, h5py.HardLink) else None
            if one is None or (isinstance(one, h5py.Dataset) and (one.external or one.is_virtual)):
                raise FormatError(f"{file}: its weights {group.name}{name} lie in another file")
            if isinstance(one, h5py.Group):
                check(one)

    with h5py.File(io.BytesIO(content), "r") as weights:
        check(weights)


def _copy(old: Any, new: Any) -> None:
    import h5py

    for name in sorted(old.attrs):
        new.attrs[name] = old.attrs[name]
    for name in sorted(old):
        if name == "optimizer" and old.name == "/":
            continue
        if isinstance(old[name], h5py.Dataset):
            made = new.create_dataset(name, data=old[name][()], track_times=False)
            for attribute in sorted(old[name].attrs):
                made.attrs[attribute] = old[name].attrs[attribute]
        else:
            _copy(old[name], new.create_group(name, track_order=False))


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
