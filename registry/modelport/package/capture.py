"""A model's functions -> source code that stands alone, and the trained objects that the code refers to.

A function of the packed file refers to names. Each name is followed to its object, and the object decides what is
written into ``code/model.py``:

=================================  ==========================================================================
object                             becomes
=================================  ==========================================================================
module, or something of a library  an import
function or class of the file      its source, and in turn the names it refers to
a type such as ``list[float]``     the type, spelled out
plain data                         a literal
trained object                     ``load_state(__file__, "state/<name>.<suffix>")``, kept by a state backend
anything else                      a PackError that names the function, the name and the way out
=================================  ==========================================================================

Modules of the user's own, beside the packed file, go along as whole files. Nothing is pickled.
"""

from __future__ import annotations

import builtins
import sys
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import PackError
from modelport.model.infer import is_message
from modelport.package.expressions import NotSpelledError, spell
from modelport.package.modules import Origin, local_files, origin
from modelport.package.names import names_of, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from modelport.package.state.interface import StateBackend

__all__ = ["Captured", "capture"]


@dataclass(slots=True)
class Captured:
    """What a model's functions came to.

    Attributes:
        imports: Import statements.
        definitions: Source of functions, classes and values, each after what it needs.
        states: The trained objects by their path in the package.
        modules: The modules that the code imports (dotted names).
        files: The user's own modules, by their path under ``code/``.
        methods: Method name -> the function's name in the code.
    """

    imports: set[str] = field(default_factory=set)
    definitions: list[str] = field(default_factory=list)
    states: dict[str, tuple[StateBackend, object]] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    files: dict[str, Path] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)

    def source(self) -> str:
        """Return ``code/model.py``."""
        head = '"""The model\'s code, written by `modelport pack`."""\n\nfrom __future__ import annotations\n'
        imports = set(self.imports)
        if self.states:
            imports.add("from modelport.package.state import load_state")
        methods = "".join(f'    "{name}": {target},\n' for name, target in sorted(self.methods.items()))
        parts = ["\n".join(sorted(imports))] if imports else []
        return "\n\n".join([head.rstrip(), *parts, *self.definitions, f"METHODS = {{\n{methods}}}"]) + "\n"


def capture(functions: Mapping[str, Callable[..., Any]]) -> Captured:
    """Follow *functions*, by method name, to everything they need.

    Raises:
        PackError: A name cannot be followed, or its object cannot be kept without pickle.
    """
    walk = _Walk()
    for method, function in functions.items():
        name = function.__name__
        if name == "<lambda>":
            raise PackError(f"method {method!r} is a lambda, which has no name in its source", hint="write it with def")
        walk.bind(name, function, f"method {method!r}")
        walk.captured.methods[method] = name
    return walk.captured


@dataclass(slots=True)
class _Walk:
    captured: Captured = field(default_factory=Captured)
    bound: dict[str, object] = field(default_factory=dict)

    def bind(self, name: str, value: object, user: str) -> None:
        """Make *name* stand for *value* in the code; *user* says who refers to it."""
        if name in self.bound:
            if self.bound[name] is not value and not _same(self.bound[name], value):
                raise PackError(
                    f"{user} refers to {name!r}, and so does another function, but they mean different objects",
                    hint=f"rename one of the two {name!r}",
                )
            return
        self.bound[name] = value
        if isinstance(value, types.ModuleType):
            self._import(value.__name__, f"import {value.__name__}" + _as(value.__name__, name))
        elif not typing.get_args(value) and (isinstance(value, type | types.FunctionType) or _library_name(value)):
            self._bind_definition(name, value, user)
        else:
            self._bind_value(name, value, user)

    def _bind_definition(self, name: str, value: Any, user: str) -> None:
        module, own = value.__module__ or "builtins", _library_name(value) or value.__qualname__
        if getattr(builtins, own, None) is value:
            if name != own:
                self.captured.definitions.append(f"{name} = {own}")
            return
        if origin(module) is not Origin.SCRIPT:
            if "." in own:
                raise PackError(f"{user} refers to {name!r}, {module}.{own}, which cannot be imported by name")
            self._import(module, f"from {module} import {own}" + (f" as {name}" if name != own else ""))
            return
        text = source_of(value)
        if text is not None:
            self._define(name, value, text)
        elif is_message(value):
            self._bind_message(name, value, user)
        else:
            raise PackError(
                f"{user} refers to {name!r}, a {type(value).__name__} whose source cannot be found",
                hint="define it with def or class in a file",
            )

    def _define(self, name: str, value: Any, text: str) -> None:
        scope = _scope(value)
        for needed in names_of(text):
            if needed == value.__name__:
                continue
            if needed in scope:
                self.bind(needed, scope[needed], f"{value.__qualname__!r}")
            elif not hasattr(builtins, needed):
                raise PackError(
                    f"{value.__qualname__!r} refers to {needed!r}, which is not defined", hint=f"define {needed!r}"
                )
        self.captured.definitions.append(text.rstrip())
        if name != value.__name__:
            self.bind(value.__name__, value, f"{value.__qualname__!r}")
            self.captured.definitions.append(f"{name} = {value.__name__}")

    def _bind_message(self, name: str, value: Any, user: str) -> None:
        """Spell out a NamedTuple that was made by a call, as Acumos's create_namedtuple does."""
        hints = typing.get_type_hints(value, include_extras=True)
        fields = ", ".join(f'("{f}", {self._spell(hints[f], f"{user}, field {f!r}")})' for f in value._fields)
        self.captured.imports.add("from typing import NamedTuple")
        self.captured.definitions.append(f'{name} = NamedTuple("{value.__name__}", [{fields}])')

    def _bind_value(self, name: str, value: object, user: str) -> None:
        self.captured.definitions.append(f"{name} = {self._spell(value, f'{user} refers to {name!r}', name)}")

    def _spell(self, value: object, where: str, name: str = "value") -> str:
        """Return an expression for *value*; trained objects inside become files of state."""
        try:
            return spell(value, refer=self._refer, keep=lambda part: self._keep(part, name, where))
        except NotSpelledError as error:
            raise PackError(
                f"{where}: {error.message}",
                hint="keep trained objects as scikit-learn estimators, Keras models or NumPy arrays, and the rest as"
                " plain data; or make the object inside the function",
            ) from error

    def _refer(self, value: Any, attribute: str) -> str:
        """Return a name for a class inside an expression, importing or defining it."""
        module = value.__module__
        if module == "builtins":
            return attribute
        self.bind(attribute, value, f"a type {attribute!r}")
        return attribute

    def _keep(self, value: object, name: str, where: str) -> str | None:
        from modelport.package.state import backend_for

        backend = backend_for(value)
        if backend is None:
            return None
        same = [path for path, (_, kept) in self.captured.states.items() if kept is value]
        path = same[0] if same else self._free_path(name, backend.suffix)
        self.captured.states[path] = (backend, value)
        return f'load_state(__file__, "{path}")'

    def _free_path(self, name: str, suffix: str) -> str:
        taken = self.captured.states
        names = (f"state/{name}{suffix}", *(f"state/{name}-{i}{suffix}" for i in range(2, len(taken) + 3)))
        return next(path for path in names if path not in taken)

    def _import(self, module: str, statement: str) -> None:
        if origin(module) is Origin.SCRIPT:
            raise PackError(f"the code imports {module}, the packed file itself", hint="refer to its parts by name")
        self.captured.imports.add(statement)
        self.captured.modules.add(module)
        if origin(module) is Origin.LOCAL:
            self.captured.files.update(local_files(module))


def _scope(value: Any) -> dict[str, object]:
    """Return the names that *value*'s source can see: its module's and, for a function in a function, its closure."""
    if isinstance(value, type):
        return dict(vars(sys.modules[value.__module__]))
    names = dict(value.__globals__)
    cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
    return names | {name: cell.cell_contents for name, cell in cells if cell.cell_contents is not value}


def _library_name(value: Any) -> str | None:
    """Return the name under which a library's module holds *value*, which is neither a class nor a function."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "_name", None) or getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str) or origin(module) is Origin.SCRIPT:
        return None
    return name if getattr(sys.modules.get(module), name, None) is value else None


def _as(module: str, name: str) -> str:
    return "" if module == name else f" as {name}"


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and isinstance(one, int | float | str | bytes | bool) and one == other
