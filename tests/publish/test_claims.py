"""What a version says of its package's rows, held against what the package found when it was packed."""

from __future__ import annotations

from typing import Any

import pytest

from modelport.package import Package, model_from_file, pack
from modelport.package.modelpack import file_records
from modelport.publish.claims import false_claims, independent_rows

FILE = """\
from modelport import Model

def double(numbers: list[float]) -> list[float]:
    return [2 * number for number in numbers]

def share(numbers: list[float]) -> list[float]:
    total = sum(numbers)
    return [number / total for number in numbers]

model = Model(double=double, share=share)
for method in ("double", "share"):
    model.add_example(method, {"numbers": [1.0, 2.0, 5.0]})
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("rows")
    (folder / "rows.py").write_text(FILE)
    return Package.read(pack(model_from_file(folder / "rows.py"), "rows", folder / "package", verify_in=None))


def test_only_methods_whose_rows_are_independent_are_named(package: Package) -> None:
    assert independent_rows(package) == [{"method": "double", "rows": 3}]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (None, False), ([{"method": "double", "rows": 3}], False), ([{"method": "double", "rows": 4}], True),
        ([{"method": "share", "rows": 3}], True),
    ],
)  # fmt: skip
def test_a_version_may_be_silent_of_it_and_may_not_be_wrong(package: Package, *, said: Any, wrong: bool) -> None:  # noqa: ANN401 - JSON
    version = {
        "size": 7, "tier": package.info["tier"]["level"], "python": package.info["python"],
        "requirements": package.info["requirements"], "files": file_records(package),
        "signature": package.spec.to_json(), "examples": package.examples, "evaluations": package.evaluations,
    }  # fmt: skip
    told = list(false_claims(version | ({"row_independent": said} if said else {}), package, 7))
    assert [key for key, _ in told] == (["row_independent"] if wrong else [])
