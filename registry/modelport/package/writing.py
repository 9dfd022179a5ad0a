"""A model -> the files of its package: code, trained objects, requirements, examples, and what is said of them."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import ModelError, PackError
from modelport.model.json_form import JSON_MAPPING
from modelport.model.proto import proto_text
from modelport.model.spec import canonical_json
from modelport.oci.names import check_names
from modelport.package.alternatives import Alternatives, find_alternatives
from modelport.package.bare import find_bare_alternatives
from modelport.package.capture import Captured, capture
from modelport.package.datasets import write_data
from modelport.package.documents import read_document
from modelport.package.files.model import FileModel
from modelport.package.folder import FORMAT, is_package
from modelport.package.imports import follow_imports, modules_of_values
from modelport.package.locks import read_lock
from modelport.package.modules import shown_kind
from modelport.package.requirements import Changes, find_requirements
from modelport.package.rows import row_independence
from modelport.package.tiers import DATA_ONLY
from modelport.types import Name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from modelport.model import Model

__all__ = ["write_package"]


def write_package(
    model: Model,
    name: str,
    folder: Path,
    *,
    known_lock: str = "",
    verified: bool,
    requirements: Changes | None = None,
    alternatives: bool = True,
) -> None:
    """Write *model* as a package into the new folder *folder*, without trying it; raises as :func:`pack` does.

    ``verified`` is what the package says of itself: whoever calls this with True runs the examples, too. A model that
    was loaded from a package has its licence, its changes and the hashes in its lock again.
    """
    Name.parse(name)
    folder.mkdir(parents=True)
    if isinstance(model, FileModel):
        parts = _write_file(model, folder, alternatives=alternatives)
    else:
        parts = _write_functions(model, folder, alternatives=alternatives)
    if requirements and requirements.add and parts.tier["level"] == DATA_ONLY:
        raise PackError(
            "a data-only package needs what runs its file, and nothing else",
            hint="require nothing besides, or call the model from a function: Model(predict=my_function)",
        )
    before = _Before.of(model.package)
    found = find_requirements(parts.needs, requirements or before.changes, known=known_lock or before.lock)
    info = {
        "schema": FORMAT,
        "name": name,
        "tier": parts.tier,
        "python": ".".join(map(str, sys.version_info[:2])),
        "requirements": [f"{n}=={v}" for n, v in found.direct.items()],
        "needed_by": found.needed_by,
        **({"changed": found.changed} if found.changed else {}),
        "state": parts.state,
        **parts.alternatives,
        "code": parts.code,
        "json": JSON_MAPPING,
        "rows": row_independence(model),  # after the state was written: calls may change it
        "verified": verified,
        **({"methods": parts.bindings} if parts.bindings else {}),
        **({"data": said} if (said := write_data(model, folder)) else {}),
    }
    _put(folder / "requirements.lock", found.lock.encode())
    _put(folder / "package.json", _readable(info))
    _put(folder / "signature.json", _readable(model.spec.to_json()))
    _put(folder / "model.proto", proto_text(model.spec).encode())
    _put(folder / "evaluations.json", _readable([e.to_json() for e in model.evaluations]))
    _write_examples(model, folder)
    if before.license and not (folder / "LICENSE").exists():
        _put(folder / "LICENSE", before.license)
    check_names(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


@dataclass(frozen=True, slots=True)
class _Before:
    """What the package that a model was loaded from says besides the model."""

    lock: str = ""
    license: bytes = b""
    changes: Changes | None = None

    @classmethod
    def of(cls, package: Path | None) -> _Before:
        if package is None or not is_package(package):
            return cls()
        text = package / "LICENSE"
        changed = read_document(package / "package.json").get("changed")
        return cls(
            read_lock(package / "requirements.lock"),
            text.read_bytes() if text.is_file() else b"",
            Changes.from_json(changed) if changed else None,
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    """What was written of a model itself, and what is said of it in ``package.json``."""

    tier: dict[str, str]
    needs: Mapping[str, set[str]]
    state: list[dict[str, str]]
    code: list[str]
    bindings: Mapping[str, Any]
    alternatives: Mapping[str, Any] = field(default_factory=dict)


def _write_functions(model: Model, folder: Path, *, alternatives: bool) -> _Parts:
    """Write a model that is Python functions: their code, and the trained objects that it refers to."""
    captured = _capture(model)
    files: dict[str, Path] = {}
    needs = follow_imports(captured.source(), files)
    code = _write_code(captured.source(), files, folder)
    needed = [*_write_state(captured, folder), ("signature.json", modules_of_values(model.spec))]
    objects = {path: value for path, (_, value) in captured.states.items()} if alternatives else {}
    found = find_alternatives(model, folder, objects)
    for path, modules in [*needed, *found.needs.items()]:
        for module in modules:
            needs.setdefault(module, set()).add(path)
    state = [{"path": p, "type": shown_kind(o)} for p, (_, o) in sorted(captured.states.items())]
    tier = {"level": "code-bearing", "reason": "its methods are Python functions, kept as source in code/"}
    return _Parts(tier, needs, state, code, {}, found.said())


def _capture(model: Model) -> Captured:
    """Follow a model's functions to all they need; refuse what a call leaves in the values that go along.

    The first example of each method is run for that, between two looks at the values.
    """
    functions = {method: one.inner for method, one in model.methods.items()}
    captured = capture(functions)
    for method in functions:
        if example := next((one for one in model.examples if one.method == method), None):
            with contextlib.suppress(
                ModelError
            ):  # what fails now fails in the clean environment, too, and is told there
                model.replay(example)
    after = capture(functions).definitions
    if changed := [name for name, one in captured.definitions.items() if after.get(name) != one]:
        raise PackError(
            f"calling the model changes {', '.join(changed)}: what the examples left there would go along",
            hint="keep what a call changes inside the function",
        )
    return captured


def _write_file(model: FileModel, folder: Path, *, alternatives: bool) -> _Parts:
    """Write a model that is a file, as it is, and the file's second form beside it."""
    if not model.files:
        raise PackError(
            "a model that runs in its second form cannot be packed", hint="load it without: load_package(folder)"
        )
    for path, content in model.files.items():
        _put(folder / path, content)
    if model.license:
        _put(folder / "LICENSE", model.license)
    state = [{"path": path, "type": model.kind} for path in sorted(model.files)]
    needs = {module: set(model.files) for module in model.modules}
    found = find_bare_alternatives(model, folder) if alternatives else Alternatives()
    for path, modules in found.needs.items():
        for module in modules:
            needs.setdefault(module, set()).add(path)
    return _Parts(dict(model.tier), needs, state, [], model.bindings, found.said())


def _write_code(source: str, files: Mapping[str, Path], folder: Path) -> list[str]:
    if "model.py" in files:
        raise PackError(
            f"the module {files['model.py']} has the packed code's own name, model.py",
            hint="rename the module, or put what it holds into the packed file",
        )
    _put(folder / "code" / "model.py", source.encode())
    for path, file in files.items():
        _put(folder / "code" / path, file.read_bytes())
    return sorted(["code/model.py", *(f"code/{path}" for path in files)])


def _write_state(captured: Captured, folder: Path) -> list[tuple[str, set[str]]]:
    """Write the trained objects; return each one's path and the modules that loading it needs."""
    needs = []
    for path, (backend, value) in captured.states.items():
        (folder / path).parent.mkdir(exist_ok=True)
        try:
            needs.append((path, {*backend.imports, *backend.save(value, folder / path)}))
        except PackError as error:
            raise PackError(f"{path} cannot be written: {error.message}", hint=error.hint) from error
    return needs


def _write_examples(model: Model, folder: Path) -> None:
    counts: dict[str, int] = {}
    for example in model.examples:
        counts[example.method] = number = counts.get(example.method, 0) + 1
        _put(folder / "examples" / f"{example.method}-{number:03d}.json", canonical_json(asdict(example)))


def _readable(document: Any) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _put(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
