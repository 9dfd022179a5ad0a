"""Generated clients: strictly typed, without dependencies, and equal to a call in process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.model.strategies import signatures
from tests.serve import models
from tests.support.every_kind import ARGUMENTS, LEAST, every_kind
from tests.support.generated import ROOT, compiled, run_python, run_typescript, strictly_typed

from modelport.cli import main
from modelport.client.generate import LANGUAGES, generate
from modelport.client.generate.python import python_client
from modelport.client.generate.typescript import typescript_client
from modelport.model import Codec, Model, ModelSpec
from modelport.model.infer import MethodTypes, Signature
from modelport.model.kinds import ListOf, MapOf, MessageRef, OptionalOf, Scalar
from modelport.model.spec import Field, Message, MethodSpec

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.running import Running


KINDS, EVERY = models.kinds(), every_kind()
CALLS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "kinds": [(e.method, e.input) for e in KINDS.examples],
    "every": [("describe", LEAST), *ARGUMENTS.items()],
}
MODELS = {"kinds": KINDS, "every": EVERY}
UNSAFE = {"l": 2**53 - 1, "v": 7}


def expected(model: Model, calls: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [model.call(method, arguments) for method, arguments in calls]


def written(language: str, name: str, running: Running, folder: Path) -> Path:
    url = str(running.client.base_url)
    assert main(["client", "generate", url, "--language", language, "--out", str(folder)]) == 0
    return folder / f"{name}_client.{'py' if language == 'python' else 'ts'}"


@pytest.mark.parametrize("name", MODELS)
def test_python(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    running: Running = request.getfixturevalue(name)
    client = written("python", name, running, tmp_path)
    strictly_typed(client)
    model = MODELS[name]
    answers = run_python(client, str(running.client.base_url), model.spec, CALLS[name])
    assert answers == expected(model, CALLS[name])


@pytest.mark.parametrize("name", MODELS)
def test_typescript(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    running: Running = request.getfixturevalue(name)
    client = written("typescript", name, running, tmp_path)
    # What JavaScript's numbers cannot hold is the next test's.
    calls = [(m, a | {k: v for k, v in UNSAFE.items() if k in a}) for m, a in CALLS[name]]
    calls = [(m, a | ({"serial": 5} if "serial" in a else {})) for m, a in calls]
    model = MODELS[name]
    answers = run_typescript(client, str(running.client.base_url), model.spec, calls)
    assert answers == expected(model, calls)


def test_wide_numbers_are_exact_in_typescript_or_refused(kinds: Running, tmp_path: Path) -> None:
    client = written("typescript", "kinds", kinds, tmp_path)
    (tmp_path / "wide.mjs").write_text(
        f"""
import {{ Client }} from {str(compiled(client))!r};
const client = new Client({str(kinds.client.base_url)!r});
const many = {{ d: 1, f: 1, i: 1, l: 2n ** 53n + 1n, u: 1, v: 1n, b: true, s: "", raw: new Uint8Array() }};
try {{ await client.echo(many); }} catch (error) {{ console.log(error.name); }}
try {{ await client.echo({{ ...many, l: 1, u: -1 }}); }}
catch (error) {{ console.log(error.kind, error.errors[0].path); }}
""",
        "utf-8",
    )
    done = subprocess.run(["node", str(tmp_path / "wide.mjs")], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["RangeError", "arguments-do-not-fit", "u"], done.stderr


def test_python_tells_what_failed(trouble: Running, tmp_path: Path) -> None:
    client = written("python", "trouble", trouble, tmp_path)
    code = (
        f"from {client.stem} import Client, ServiceError\n"
        f"client = Client({str(trouble.client.base_url)!r})\n"
        "for call in (lambda: client.fail('x'), lambda: Client('http://127.0.0.1:1', repetitions=0).length('x')):\n"
        "    try: call()\n"
        "    except ServiceError as error: print(error.kind, error.status)\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["model-failed", "500", "unreachable", "0"], done.stderr


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=30)
@given(signatures())
def test_any_signature_makes_a_python_module(spec: ModelSpec) -> None:
    text = python_client(spec, "any", "1.0")
    module = sys.modules["any_client"] = ModuleType("any_client")  # where dataclasses look names up
    exec(compile(text, "any_client.py", "exec"), vars(module))  # noqa: S102 - it is what was generated here
    assert spec.proto_package == module.SIGNATURE
    assert typescript_client(spec, "any", "1.0").count("{") == typescript_client(spec, "any").count("{")


class TestAwkwardNames:
    def test_both_languages_have_a_way_to_say_them(self, tmp_path: Path) -> None:
        spec = awkward().spec
        (tmp_path / "awkward_client.py").write_text(python_client(spec, 'an "awkward" one */ """', "1\\"), "utf-8")
        (tmp_path / "awkward_client.ts").write_text(typescript_client(spec, 'an "awkward" one */', "1"), "utf-8")
        strictly_typed(tmp_path / "awkward_client.py")
        compiled(tmp_path / "awkward_client.ts")


class TestCommand:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_prints_what_it_wrote(
        self, kinds: Running, language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        written(language, "kinds", kinds, tmp_path)
        printed = capsys.readouterr().out.splitlines()
        assert sorted(printed) == sorted(str(file) for file in tmp_path.iterdir())
        written(language, "kinds", kinds, tmp_path)  # again, over its own files

    def test_a_file_of_somebody_elses_stays(
        self, kinds: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "kinds_client.py").write_text("mine")
        url = str(kinds.client.base_url)
        assert main(["client", "generate", url, "--language", "python", "--out", str(tmp_path)]) == 1
        assert "was not made by this command" in capsys.readouterr().err
        assert (tmp_path / "kinds_client.py").read_text() == "mine"

    def test_one_client_for_one_signature(self) -> None:
        made = [generate("python", KINDS.spec, name="a", version="", documents=dict) for _ in range(2)]
        assert made[0] == made[1]


def awkward() -> Model:
    """Return a model whose names mean something in Python, in TypeScript, or in the clients themselves."""
    fields = ("class", "list", "self", "int", "Client", "messages", "None", "constructor", "given", "value", "lambda")
    inner = Message("Client", tuple(Field(n, Scalar("double")) for n in fields), 'Ends with a "')
    outer = Message(
        "Promise",
        (
            Field("Client", MessageRef("Client")), Field("dict", MapOf(MessageRef("Client"))),
            Field("str", OptionalOf(Scalar("float"))), Field("list", ListOf(Scalar("bytes"))),
            Field("float", ListOf(MessageRef("ServiceError"))),
        ),
        "*/ not the end",
    )  # fmt: skip
    empty = Message("ServiceError", ())
    methods = tuple(MethodSpec(n, "Promise", "Promise") for n in ("constructor", "list", "class", "call", "stream"))
    streams = (MethodSpec("float", "Client", "Client", streams_in=True, streams_out=True),)
    spec = ModelSpec((inner, outer, empty), methods + streams).with_proto_package()
    codec = Codec.bare(spec)
    call = MethodTypes(positional=("message",), keywords=(), spread=False, wrap=False, void=False)
    model = Model.__new__(Model)
    functions = {m.name: lambda message: message for m in spec.methods}
    model._set(Signature(spec, codec.records, {m.name: call for m in spec.methods}), functions)
    return model


def shown(readme: Path) -> str:
    """Return the commands of a README."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", readme.read_text("utf-8"), re.DOTALL | re.MULTILINE))


def test_the_commands_for_java_make_a_client_that_calls(kinds: Running, tmp_path: Path) -> None:
    written("java", "kinds", kinds, tmp_path)
    named = {"URL": str(kinds.client.base_url).rstrip("/"), "MESSAGE": 'l: 9007199254740993 s: "ja" f: 0.5'}
    done = subprocess.run(
        ["sh", "-euc", shown(tmp_path / "README.md")], cwd=tmp_path, env=os.environ | named, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["f: 0.5", "l: 9007199254740993", 's: "ja"']


def test_the_commands_for_go_make_a_client_that_compiles(kinds: Running, tmp_path: Path) -> None:
    written("go", "kinds", kinds, tmp_path)
    # Go's cache is read-only by its own wish, and so is kept out of the folder that pytest clears.
    named = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": str(ROOT / "build/peers/go"), "GOTOOLCHAIN": "local"}
    named["PATH"] = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"  # where uvx is
    done = subprocess.run(
        ["sh", "-euc", shown(tmp_path / "README.md")], cwd=tmp_path, env=os.environ | named, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
