"""The error tree. Each message says what, where and why; ``hint`` says the way out.

::

    ModelportError
    ├── InputError            what the user gave is not right
    │   ├── FormatError       a text or a file is not what it claims to be
    │   ├── SignatureError    a function's annotations do not make a signature
    │   ├── PackError         a model cannot be packed
    │   └── CallError         a call's arguments do not fit the signature (all problems at once)
    ├── NotFoundError         nothing is there under that name, tag or digest
    ├── IntegrityError        bytes are not the bytes their digest or size promised
    ├── TrustError            loading would run code that nobody vouched for
    ├── RegistryError         a registry cannot be reached, refuses, or answers nonsense
    ├── SetupError            this machine lacks a program, an extra or a right that is needed
    ├── ModelError            the model's own code failed
    └── ServiceError          in modelport.client: a service cannot be reached, refuses, or fails
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CallError",
    "FormatError",
    "InputError",
    "IntegrityError",
    "ModelError",
    "ModelportError",
    "NotFoundError",
    "PackError",
    "RegistryError",
    "SetupError",
    "SignatureError",
    "TrustError",
]


class ModelportError(Exception):
    """Base of all errors that Modelport raises on purpose.

    Args:
        message: What happened, where and why.
        hint: The way out, as an instruction.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class InputError(ModelportError):
    """What the user gave is not right."""


class FormatError(InputError):
    """A text or a file is not what it claims to be."""


class SignatureError(InputError):
    """A function's annotations do not make a signature."""


class PackError(InputError):
    """A model cannot be packed."""


class CallError(InputError):
    """A call's arguments do not fit the method's signature.

    Args:
        problems: Every misfit found, each as ``path: message``.
    """

    def __init__(self, problems: Sequence[str], *, hint: str = "") -> None:
        super().__init__("; ".join(problems), hint=hint)
        self.problems = tuple(problems)


class NotFoundError(ModelportError):
    """Nothing is there under that name, tag or digest."""


class IntegrityError(ModelportError):
    """Bytes are not the bytes their digest or size promised."""


class TrustError(ModelportError):
    """Loading would run code that nobody vouched for."""


class RegistryError(ModelportError):
    """A registry cannot be reached, refuses, or answers nonsense.

    Args:
        message: What happened, where and why.
        status: The HTTP status of the answer, when there was one.
        hint: The way out.
    """

    def __init__(self, message: str, *, status: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class SetupError(ModelportError):
    """This machine lacks a program, an extra or a right that is needed."""


class ModelError(ModelportError):
    """The model's own code failed."""
