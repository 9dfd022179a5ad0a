"""The YAML reader under a coverage-guided fuzzer and under the largest inputs: typed problems, soon, in little memory.

Longer: ``HYPOTHESIS_PROFILE=thorough`` fuzzes for ten minutes, ``FUZZ_SECONDS=N`` for as long as you like.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = int(os.environ.get("FUZZ_SECONDS") or (600 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 20))
MEMORY = 256  # MiB
LONGEST = 4096  # bytes: as long as the longest entries of the examples


def run(*command: str | Path, timeout: float) -> subprocess.CompletedProcess[str]:
    # A child starts with the peak of whoever made it, and a test run is large: a shell between them is small.
    small = ["sh", "-c", '"$@"; exit $?', "sh"]
    plain = {name: text for name, text in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    return subprocess.run(
        [*small, sys.executable, "-m", *map(str, command)], cwd=ROOT, env=plain, capture_output=True, text=True,
        check=False, errors="replace", timeout=timeout,
    )  # fmt: skip


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="atheris has wheels for x86-64 Linux alone; there it must be installed",
)
def test_whatever_a_fuzzer_finds_is_a_typed_problem_soon_and_in_little_memory(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for file in [*ROOT.glob("tests/examples/**/*.yaml"), *ROOT.glob("catalog/models/**/*.yaml")]:
        content = file.read_bytes()
        (corpus / hashlib.sha256(content).hexdigest()).write_bytes(content[:LONGEST])
    done = run(
        "tests.fuzz.yaml_reader", corpus, f"-max_total_time={SECONDS}", f"-max_len={LONGEST}", "-timeout=10",
        f"-rss_limit_mb={MEMORY}", f"-dict={ROOT / 'tests/fuzz/yaml.dict'}", f"-artifact_prefix={tmp_path}/",
        timeout=SECONDS + 120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs is not None
    assert int(runs[1]) > 10 * SECONDS


def test_the_largest_inputs_are_read_soon_and_within_256_mebibytes() -> None:
    done = run("tests.fuzz.large_inputs", timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert found["seconds"] < 10, found  # a second on a quiet machine
    assert found["memory"] < MEMORY * 2**20, found
