"""Runs generated clients where Modelport is not: Python without site-packages, TypeScript by tsc and Node.js."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelport.model import Codec

if TYPE_CHECKING:
    from modelport.model import ModelSpec

__all__ = ["PYTHON_DRIVER", "ROOT", "compiled", "complete", "run_python", "run_typescript", "strictly_typed"]

ROOT = Path(__file__).parents[2]
LOCKED = ROOT / "requirements/peers/typescript"
STRICT = [
    "--strict", "--noUncheckedIndexedAccess", "--noUnusedLocals", "--noUnusedParameters", "--noImplicitReturns",
    "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext",
]  # fmt: skip
PYTHON_DRIVER = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
module = importlib.import_module(sys.argv[2])
client = module.Client(sys.argv[3])
answers = []
for method, given, taken, arguments in json.load(sys.stdin):
    message = getattr(module, f"_read_{given}")(arguments)
    answer = getattr(client, method)(**vars(message))
    answers.append(getattr(module, f"_write_{taken}")(answer))
assert not any(name.partition(".")[0] in {"modelport", "httpx", "numpy"} for name in sys.modules)
print(json.dumps(answers))
"""
NODE_DRIVER = """
import { readFileSync } from "node:fs";
const module = await import(process.argv[2]);
const client = new module.Client(process.argv[3]);
const answers = [];
for (const [method, given, taken, args] of JSON.parse(readFileSync(0, "utf-8"))) {
  const answer = await client[method](module[`_read${given}`](args));
  answers.push(module[`_write${taken}`](answer));
}
console.log(JSON.stringify(answers));
"""
Call = tuple[str, dict[str, Any]]


def complete(spec: ModelSpec, calls: list[Call]) -> str:
    """Return *calls* as the drivers read them, with each field there."""
    codec, found = Codec.bare(spec), []
    for method, arguments in calls:
        one = spec.method(method)
        whole = codec.to_json(codec.from_json(arguments, one.input), one.input)
        found.append([method, one.input, one.output, whole])
    return json.dumps(found)


def run_python(client: Path, url: str, spec: ModelSpec, calls: list[Call]) -> list[dict[str, Any]]:
    """Return the answers that a generated Python client gets."""
    command = [sys.executable, "-I", "-S", "-c", PYTHON_DRIVER, str(client.parent), client.stem, url]
    return _answers(command, complete(spec, calls))


def run_typescript(client: Path, url: str, spec: ModelSpec, calls: list[Call]) -> list[dict[str, Any]]:
    """Return the answers that a generated TypeScript client gets, which is compiled for it."""
    driver = client.with_name("driver.mjs")
    driver.write_text(NODE_DRIVER, "utf-8")
    return _answers(["node", str(driver), str(compiled(client)), url], complete(spec, calls))


def strictly_typed(*clients: Path) -> None:
    """Hold Python files to ``mypy --strict``, whatever this project's own settings are."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", *map(str, clients)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=clients[0].parent)
    assert done.returncode == 0, done.stdout


def compiled(client: Path) -> Path:
    """Return what tsc makes of a TypeScript file, at its strictest."""
    out = client.parent / "out"
    command = [str(compiler()), *STRICT, "--outDir", str(out), client.name]
    client.with_name("package.json").write_text('{"type": "module"}', "utf-8")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=client.parent)
    assert done.returncode == 0, done.stdout
    return out / f"{client.stem}.js"


def compiler() -> Path:
    """Return tsc, installed from its lock on first use."""
    lock = (LOCKED / "package-lock.json").read_bytes()
    place = ROOT / "build/peers/typescript" / hashlib.sha256(lock).hexdigest()[:16]
    tsc = place / "node_modules/.bin/tsc"
    if not tsc.exists():
        making = place.with_name(f"{place.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(LOCKED, making)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=making, check=True)
        shutil.rmtree(place, ignore_errors=True)
        making.rename(place)
    return tsc


def _answers(command: list[str], calls: str) -> list[dict[str, Any]]:
    done = subprocess.run(command, input=calls, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers
