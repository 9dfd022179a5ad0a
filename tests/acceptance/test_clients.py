"""Clients of each model of the catalog, really served: what they get is what its golden examples say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.generated import run_python, run_typescript, strictly_typed

import modelport
from modelport.cli import main
from modelport.model import Codec
from modelport.package.closeness import alike
from modelport.package.load import read_examples

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Workplace


def test_every_client_gives_the_golden_examples(entry: Path, built: Workplace, tmp_path: Path) -> None:
    with built.service(entry.name) as service:
        examples = read_examples(built.package(entry.name))
        calls = [(one.method, one.input) for one in examples]
        with modelport.connect(service.url) as remote:
            codec = remote._contract.codec
            far = []
            for one in examples:
                method = remote.spec.method(one.method)
                answer = remote.methods[one.method](codec.from_json(one.input, method.input))
                far.append(codec.to_json(answer, method.output))
        for language in ("python", "typescript"):
            assert main(["client", "generate", service.url, "--language", language, "--out", str(tmp_path)]) == 0
        (python,), (typescript,) = tmp_path.glob("*_client.py"), tmp_path.glob("*_client.ts")
        strictly_typed(python)
        answers = [far, run_python(python, service.url, service.spec, calls)]
        answers.append(run_typescript(typescript, service.url, service.spec, calls))
    plain = Codec.bare(service.spec)
    for found in answers:
        for one, answer in zip(examples, found, strict=True):
            output = service.spec.method(one.method).output
            same_kinds = plain.to_json(plain.from_json(answer, output), output)  # JavaScript writes 1.0 as 1
            assert alike(one.output, same_kinds, one.tolerance), f"{entry.name}.{one.method}"
