"""One interface has one name and one text, whenever and wherever it is inferred."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

from tests.model.samples import EVERYTHING

from modelport.model import Model
from modelport.model.proto import proto_text

PROGRAM = """
from modelport.model.proto import proto_text
from tests.model.samples import EVERYTHING
print(proto_text(EVERYTHING.spec))
"""


def in_a_process(hash_seed: str) -> str:
    variables = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=True)
    return done.stdout.removesuffix("\n")


def test_two_processes_give_one_text() -> None:
    assert in_a_process("1") == in_a_process("2") == proto_text(EVERYTHING.spec)


def package(**functions: object) -> str:
    return Model(**functions).spec.proto_package  # type: ignore[arg-type]


def test_a_docstring_is_not_the_interface() -> None:
    def documented(x: float) -> float:
        """Say a lot."""
        return x

    def bare(x: float) -> float:
        return x

    assert package(f=documented) == package(f=bare)
    assert Model(f=documented).spec != Model(f=bare).spec


def test_names_types_and_order_are() -> None:
    def first(x: float, y: float) -> float:
        return x + y

    def renamed(x: float, z: float) -> float:
        return x + z

    def retyped(x: float, y: int) -> float:
        return x + y

    def swapped(y: float, x: float) -> float:
        return x + y

    packages = [package(f=one) for one in (first, renamed, retyped, swapped)]
    packages += [package(g=first), package(f=first, g=renamed), package(g=renamed, f=first)]
    assert len(set(packages)) == len(packages)


def test_an_equal_class_elsewhere_is_the_same_interface() -> None:
    def made() -> str:
        class Pair(NamedTuple):
            a: float

        def swap(pair: Pair) -> Pair:
            return pair

        swap.__annotations__ = {"pair": Pair, "return": Pair}
        return package(swap=swap)

    assert made() == made()
