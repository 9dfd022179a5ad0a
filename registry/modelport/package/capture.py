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

import ast
import builtins
import inspect
import sys
import types
import typing
from collections import namedtuple
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelport.errors import PackError
from modelport.model.choices import is_choice
from modelport.model.infer import is_message
from modelport.package.expressions import NotSpelledError, spell
from modelport.package.modules import Origin, origin, shown_kind
from modelport.package.mutation import check_mutated
from modelport.package.names import references, source_of
from modelport.package.order import Definition, ordered
from modelport.package.scope import Scope, scope_of
from modelport.package.state import backend_for, classes_in, free_path, load_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelport.package.state.interface import StateBackend

__all__ = ["Captured", "capture"]

_OWN_MEANING = {"__name__", "__doc__", "__package__", "__spec__", "__loader__"}  # each module has its own
_OF_THE_FILE = {"__file__", "__path__", "__cached__"}
_ALIKE = (int, float, str, bytes, bool, type(None))
_TYPE_VARIABLES = (typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple)


@dataclass(slots=True)
class Captured:
    """What a model's functions came to.

    Attributes:
        imports: Import statements.
        definitions: Functions, classes and values, by name.
        states: The trained objects by their path in the package.
        methods: Method name -> the function's name in the code.
    """

    imports: set[str] = field(default_factory=set)
    definitions: dict[str, Definition] = field(default_factory=dict)
    states: dict[str, tuple[StateBackend, object]] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)

    def source(self) -> str:
        """Return ``code/model.py``."""
        head = '"""The model\'s code, written by `modelport pack`."""\n\nfrom __future__ import annotations'
        methods = "".join(f'    "{name}": {target},\n' for name, target in sorted(self.methods.items()))
        parts = ["\n".join(sorted(self.imports))] if self.imports else []
        return "\n\n".join([head, *parts, *ordered(self.definitions), f"METHODS = {{\n{methods}}}"]) + "\n"


def capture(functions: Mapping[str, Callable[..., Any]]) -> Captured:
    """Follow *functions*, by method name, to everything they need.

    Raises:
        PackError: A name cannot be followed, or its object cannot be kept without pickle.
    """
    walk = _Walk()
    for method, function in functions.items():
        scope = Scope(f"method {method!r}")
        if inspect.ismethod(function):
            raise PackError(
                f"{scope.user} belongs to an object, a {shown_kind(function.__self__)}",
                hint="write a function that calls it",
            )
        name = getattr(function, "__name__", "")
        if name == "<lambda>":
            raise PackError(f"{scope.user} is a lambda, which has no name in its source", hint="write it with def")
        walk.bind(name, function, scope)
        walk.captured.methods[method] = name
    return walk.captured


@dataclass(slots=True)
class _Walk:
    captured: Captured = field(default_factory=Captured)
    bound: dict[str, object] = field(default_factory=dict)

    def bind(self, name: str, value: object, scope: Scope) -> None:
        """Make *name* stand for *value* in the code; *scope* is where it was met."""
        if name in self.bound:
            if self.bound[name] is not value and not _same(self.bound[name], value):
                raise PackError(
                    f"{scope.user} refers to {name!r}, and so does another function, but they mean different objects",
                    hint=f"rename one of the two {name!r}",
                )
            return
        if name == "METHODS" or (name == load_state.__name__ and value is not load_state):
            raise PackError(
                f"{scope.user} refers to {name!r}, which is a name of the packed code itself", hint="rename it"
            )
        self.bound[name] = value
        if isinstance(value, types.ModuleType):
            self._bind_module(name, value, scope)
        elif not self._bind_import(name, value, scope) and not self._bind_alias(name, value):
            if not typing.get_args(value) and (_is_definition(value) or _library_name(value)):
                self._bind_definition(name, value, scope)
            else:
                self._bind_value(name, value, scope)

    def _bind_module(self, name: str, module: types.ModuleType, scope: Scope) -> None:
        if origin(module.__name__) is Origin.SCRIPT:
            raise PackError(
                f"{scope.user} refers to {name!r}, the packed file itself", hint="refer to its parts by name"
            )
        if not self._bind_import(name, module, scope):
            self.captured.imports.add(f"import {module.__name__}" + _as(module.__name__, name))

    def _bind_import(self, name: str, value: object, scope: Scope) -> bool:
        """Import *value* as the user's file does, where that is from a library."""
        found = scope.imported_from(name)
        if found is None:
            return False
        module, own = found
        # What a module of the user's own holds may have been trained: only what is code is taken from there.
        code = isinstance(value, types.ModuleType) or _is_definition(value)
        if origin(module) in {Origin.STANDARD, Origin.DISTRIBUTION} or (origin(module) is Origin.LOCAL and code):
            self.captured.imports.add(f"from {module} import {own}" + _as(own, name))
            return True
        return False

    def _bind_alias(self, name: str, value: object) -> bool:
        """Let two names of one object be that; values that are nothing but their content stay literals."""
        if isinstance(value, _ALIKE):
            return False
        other = next((n for n in self.captured.definitions if self.bound.get(n) is value), None)
        if other:
            self.captured.definitions[name] = Definition(f"{name} = {other}", frozenset({other}))
        return bool(other)

    def _bind_definition(self, name: str, value: Any, scope: Scope) -> None:
        module, own = value.__module__ or "builtins", _library_name(value) or value.__qualname__
        if getattr(builtins, own, None) is value:
            if name != own:
                self.captured.definitions[name] = Definition(f"{name} = {own}")
        elif origin(module) is Origin.SCRIPT:
            self._bind_own(name, value, scope)
        elif getattr(sys.modules.get(module), own, None) is value:
            self.captured.imports.add(f"from {module} import {own}" + _as(own, name))
        else:
            raise PackError(
                f"{scope.user} refers to {name!r}, {module}.{own}, which cannot be imported by name",
                hint="refer to it through what it belongs to",
            )

    def _bind_own(self, name: str, value: Any, scope: Scope) -> None:
        """Define a function or class of the packed file."""
        text = source_of(value)
        if text is not None:
            _check_decorated(value, text, scope)
            if name == value.__name__:
                self._define(name, value, text)
            else:
                self.bind(value.__name__, value, scope)
                self.captured.definitions[name] = Definition(f"{name} = {value.__name__}", frozenset({value.__name__}))
        elif is_message(value) and hasattr(value, "_fields"):
            self._bind_message(name, value, scope)
        elif is_choice(value):
            self._bind_choice(name, value, scope)
        else:
            what = "lambda" if value.__name__ == "<lambda>" else type(value).__name__
            raise PackError(
                f"{scope.user} refers to {name!r}, a {what} whose source cannot be found",
                hint="define it with def or class in a file",
            )

    def _define(self, name: str, value: Any, text: str) -> None:
        try:
            found = references(text)
        except SyntaxError as error:
            raise PackError(
                f"function {name!r} cannot be taken out of the function around it: {error.msg}",
                hint="hand in what it needs; what a call leaves for the next is no part of a model",
            ) from error
        scope = scope_of(value, text, found)
        check_mutated(text, found.late, scope)
        for needed in found.all:
            self._bind_needed(needed, scope, called=needed in found.eager | found.late)
        self._import_chains(found.chains)
        self.captured.definitions[name] = Definition(text, frozenset(found.eager), frozenset(found.late))

    def _bind_needed(self, name: str, scope: Scope, *, called: bool) -> None:
        if name in _OWN_MEANING:
            return
        if name in _OF_THE_FILE:
            raise PackError(
                f"{scope.user} refers to {name!r}, and a package lies somewhere else",
                hint="read files before, and keep what they hold in a variable; or read them in a package of your own"
                " beside the file, which goes along with its data",
            )
        # An annotation is never evaluated here: what it alone says may be missing, for instance under TYPE_CHECKING.
        if name in scope.names and (called or not isinstance(scope.names[name], _TYPE_VARIABLES)):
            self.bind(name, scope.names[name], scope)
        elif called and name not in scope.names and not hasattr(builtins, name):
            raise PackError(f"{scope.user} refers to {name!r}, which is not defined", hint=f"define {name!r}")

    def _import_chains(self, chains: set[str]) -> None:
        """Import the submodules in dotted uses: ``import xml`` alone does not bring ``xml.dom``."""
        longest = [c for c in chains if not any(other.startswith(f"{c}.") for other in chains)]
        for chain in longest:
            parts = chain.split(".")
            if getattr(self.bound.get(parts[0]), "__name__", None) != parts[0]:
                continue
            dotted = [".".join(parts[:end]) for end in range(2, len(parts) + 1)]
            if inner := [one for one in dotted if isinstance(sys.modules.get(one), types.ModuleType)]:
                self.captured.imports.discard(f"import {parts[0]}")
                self.captured.imports.add(f"import {inner[-1]}")

    def _bind_message(self, name: str, value: Any, scope: Scope) -> None:
        """Spell out a NamedTuple that was made by a call, as Acumos's create_namedtuple does."""
        hints = typing.get_type_hints(value, include_extras=True)
        needed = {"NamedTuple"}
        self.bind("NamedTuple", typing.NamedTuple, scope)
        parts = []
        for one in value._fields:
            where = Scope(f"{scope.user}, field {one!r}")
            parts.append(f'("{one}", {self._spell(hints.get(one, Any), name, where, needed)})')
        text = f'{name} = NamedTuple("{value.__name__}", [{", ".join(parts)}])'
        if value._field_defaults:  # which the call has no words for
            defaults = self._spell(value._field_defaults, name, scope, needed)
            text += f"\n{name}._field_defaults = {defaults}"
            text += f"\n{name}.__new__.__defaults__ = tuple({name}._field_defaults.values())"
        if value.__doc__ != namedtuple(value.__name__, value._fields).__doc__:  # noqa: PYI024 - for what it says of itself
            text += f"\n{name}.__doc__ = {value.__doc__!r}"
        self.captured.definitions[name] = Definition(text, frozenset(needed))

    def _bind_choice(self, name: str, value: Any, scope: Scope) -> None:
        """Spell out an Enum class that was made by a call."""
        needed: set[str] = set()
        base = self._spell(value.__base__, name, scope, needed)
        members = self._spell({member: one.value for member, one in value.__members__.items()}, name, scope, needed)
        self.captured.definitions[name] = Definition(
            f'{name} = {base}("{value.__name__}", {members})', frozenset(needed)
        )

    def _bind_value(self, name: str, value: object, scope: Scope) -> None:
        needed: set[str] = set()
        text = f"{name} = {self._spell(value, name, scope, needed)}"
        self.captured.definitions[name] = Definition(text, frozenset(needed))

    def _spell(self, value: object, name: str, scope: Scope, needed: set[str]) -> str:
        """Return an expression for *value*, and add what it refers to; trained objects inside become files of state."""

        def refer(part: Any, attribute: str) -> str:
            if getattr(builtins, attribute, None) is part:
                return attribute
            chosen = scope.name_for(part, attribute)
            self.bind(chosen, part, scope)
            needed.add(chosen)
            return chosen

        def keep(part: object) -> str | None:
            return self._keep(part, name, scope, refer)

        try:
            whole = keep(value) if type(value) is dict else None  # of tensors: one file, not one for each
            return whole or spell(value, refer=refer, keep=keep)
        except NotSpelledError as error:
            raise PackError(
                f"{scope.user} refers to {name!r}: {error.message}",
                hint=error.hint
                or "keep trained objects as scikit-learn, LightGBM, Keras or PyTorch models or NumPy arrays, and the"
                " rest as plain data; or make the object inside the function",
            ) from error

    def _keep(self, value: object, name: str, scope: Scope, refer: Callable[[Any, str], str]) -> str | None:
        backend = backend_for(value)
        if backend is None:
            return None
        same = [path for path, (_, kept) in self.captured.states.items() if kept is value]
        path = same[0] if same else free_path(name, backend.suffix, self.captured.states)
        self.captured.states[path] = (backend, value)
        self.bind(load_state.__name__, load_state, scope)
        classes = "".join(f", {refer(kind, kind.__name__)}" for kind in classes_in(value))
        return f'{load_state.__name__}(__file__, "{path}"{classes})'


def _is_definition(value: object) -> bool:
    """Tell whether *value* is what def or class makes, decorated or not."""
    return isinstance(value, type | types.FunctionType) or (callable(value) and hasattr(value, "__wrapped__"))


def _check_decorated(value: Any, text: str, scope: Scope) -> None:
    """Refuse a function that was wrapped by a call: its source does not say so."""
    layers, inner = 0, value
    while hasattr(inner, "__wrapped__"):
        layers, inner = layers + 1, inner.__wrapped__
    (node,) = ast.parse(text).body
    if layers > len(getattr(node, "decorator_list", ())):
        raise PackError(
            f"{scope.user} refers to {value.__name__!r}, which was wrapped after it was defined",
            hint="decorate it where it is defined, with @",
        )


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
    return type(one) is type(other) and isinstance(one, _ALIKE) and repr(one) == repr(other)  # -0.0 is not 0.0
