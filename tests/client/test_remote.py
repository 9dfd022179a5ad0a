"""The law of the client: a call from afar gives what the same call gives in process, or the same error."""

from __future__ import annotations

import asyncio
import inspect
import json
import pydoc
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.model.strategies import natives, signatures
from tests.serve import models
from tests.support.every_kind import ARGUMENTS, LEAST, PNG, every_kind
from tests.support.loops import in_loop

import modelport
from modelport.client import ArgumentsRefusedError, ModelFailedError
from modelport.client.calls import Form
from modelport.client.contract import Contract
from modelport.errors import CallError, InputError, ModelError
from modelport.model import Codec, Model
from modelport.model.exchange import Exchange
from modelport.model.json_form import JSON_MAPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.serve.running import Running

    from modelport import RemoteModel
    from modelport.client.calls import Call

FORMS: tuple[Form, ...] = get_args(Form)
KINDS, EVERY = models.kinds(), every_kind()
CALLS = [(KINDS, "kinds", e.method, e.input) for e in KINDS.examples]
CALLS += [(EVERY, "every", "describe", LEAST), *((EVERY, "every", m, a) for m, a in ARGUMENTS.items())]


def service(name: str, request: pytest.FixtureRequest) -> str:
    running: Running = request.getfixturevalue(name)
    return str(running.client.base_url)


def as_json(codec: Codec, native: object, message: str) -> Any:
    return codec.to_json(native, message)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("called", CALLS)
def test_a_call_from_afar_is_a_call_in_process(
    called: tuple[Model, str, str, dict[str, Any]], form: Form, request: pytest.FixtureRequest
) -> None:
    model, name, method, arguments = called
    spec = model.spec.method(method)
    expected = as_json(model.codec, model.methods[method](model.codec.from_json(arguments, spec.input)), spec.output)
    with modelport.connect(service(name, request), form=form) as remote:
        codec, function = remote._contract.codec, remote.methods[method]
        message = codec.from_json(arguments, spec.input)
        fields = {f.name: getattr(message, f.name) for f in remote.spec.message(spec.input).fields}
        ways: list[Callable[[], Any]] = [
            lambda: function(message),
            lambda: function(**fields),
            lambda: function(*fields.values()),
            lambda: function(**arguments) if "raw" not in arguments and "photo" not in arguments else function(message),
        ]
        if method != "lists":  # whose blobs are text in JSON, which Python means otherwise
            for way in ways:
                assert as_json(codec, way(), spec.output) == expected
        else:
            assert as_json(codec, ways[0](), spec.output) == expected
    answer = in_loop(call_async(service(name, request), form, method, arguments))
    assert answer == expected


async def call_async(url: str, form: Form, method: str, arguments: dict[str, Any]) -> Any:
    async with modelport.connect_async(url, form=form) as remote:
        codec, spec = remote._contract.codec, remote.spec.method(method)
        message = codec.from_json(arguments, spec.input)
        return as_json(codec, await remote.methods[method](message), spec.output)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=40)
@given(st.data())
def test_any_signature_makes_a_client_that_writes_what_its_service_reads(data: st.DataObject) -> None:
    spec = data.draw(signatures())
    document = {"name": "any", "json": JSON_MAPPING, "signature": spec.to_json()}
    contract = Contract.read(200, json.dumps(document).encode(), "http://here")
    service_codec = Codec.bare(contract.spec)
    for method in contract.spec.methods:
        one = contract.calls[method.name]
        message = data.draw(natives(contract.codec, method.input))
        fields = {f.name: getattr(message, f.name) for f in contract.spec.message(method.input).fields}
        meant = contract.codec.to_json(message, method.input)
        assert service_codec.to_json(read(one, fields, service_codec), method.input) == meant
        sent = json.loads(one.write((), fields, "json", Exchange()))
        assert service_codec.to_json(service_codec.from_json(sent, method.input), method.input) == meant
        answer = data.draw(natives(contract.codec, method.output))
        got = one.read(contract.codec.to_bytes(answer, method.output), "application/x-protobuf", Exchange())
        assert contract.codec.to_json(got, method.output) == contract.codec.to_json(answer, method.output)


def read(one: Call, fields: dict[str, Any], codec: Codec) -> Any:
    return codec.from_bytes(one.write((), fields, "protobuf", Exchange()), one.method.input)


class TestWhatPeopleSee:
    @pytest.fixture
    def remote(self, every: Running) -> Iterator[RemoteModel]:
        with modelport.connect(str(every.client.base_url)) as found:
            yield found

    def test_a_method_is_a_function_with_parameters_defaults_and_words(self, remote: RemoteModel) -> None:
        signature = inspect.signature(remote.describe)
        parameters = signature.parameters
        assert list(parameters) == [f.name for f in EVERY.spec.message("Leaf").fields]
        assert parameters["length"].annotation == float | None
        assert (parameters["width"].default, parameters["season"].default) == (5.0, "spring")
        assert parameters["outline"].annotation is np.ndarray
        assert signature.return_annotation is remote.types.Leaf
        told = pydoc.render_doc(remote.describe, renderer=pydoc.plaintext)  # type: ignore[attr-defined]  # typeshed has no word of it
        assert "Say what a leaf is like." in told
        assert "length: optional double (cm), 0 to 10. How long it is." in told
        assert inspect.signature(remote.sort.output_type) == inspect.signature(remote.types.Flowers)
        assert "describe" in dir(remote)
        assert "describe(colour: Colour" in repr(remote)

    def test_answers_are_typed(self, remote: RemoteModel) -> None:
        leaf = remote.describe(**ARGUMENTS["describe"] | {"photo": b"\0"})
        assert issubclass(remote.types.Leaf, tuple)
        assert type(leaf) is remote.types.Leaf
        assert (leaf.photo, leaf.seen, leaf.stem.share) == (b"\0", "blue", 12.5)
        assert leaf.seen is remote.types.Colour.blue
        assert leaf.mask.dtype == np.uint8
        assert leaf.stem == remote.types.Part("tip", 12.5)

    def test_a_data_frame_is_a_table(self, remote: RemoteModel) -> None:
        frame = pd.DataFrame({"petal": [1.5, 2.0], "species": ["iris", "rosa"], "colour": ["red", "blue"]})
        assert remote.sort(frame).petal == [1.5, 2.0]

    def test_what_is_not_there_is_told_with_what_is(self, remote: RemoteModel) -> None:
        with pytest.raises(AttributeError, match="no method 'press'; its methods are: describe, sort"):
            remote.press()

    def test_health(self, remote: RemoteModel) -> None:
        assert remote.health() == modelport.client.Health(live=True, ready=True)


class TestArguments:
    def test_every_field_is_named_before_anything_is_sent(self, every: Running) -> None:
        with modelport.connect(str(every.client.base_url)) as remote:
            before = len(every.log())
            wrong = {"colour": "rot", "length": 11, "half": "x", "photo": "AAAA", "colr": 1}
            with pytest.raises(CallError) as caught:
                remote.describe(**wrong)
            paths = {problem.partition(":")[0] for problem in caught.value.problems}
            lacking = {"veins", "level", "shades", "marks", "outline", "layers", "stem", "parts", "named"}
            assert paths == {*wrong, *lacking}
            assert not isinstance(caught.value, ArgumentsRefusedError)
            assert "it takes (colour: Colour" in caught.value.hint
            with pytest.raises(CallError, match="text: is given twice"):
                remote.fold("a", text="b")
            with pytest.raises(CallError, match="has 2 arguments"):
                remote.fold("a", "b")
            assert len(every.log()) == before

    @pytest.mark.parametrize(
        ("method", "fields"),
        [
            ("describe", {"length": 10.5}), ("describe", {"level": -1}), ("describe", {"outline": np.zeros((2, 3))}),
            ("describe", {"marks": {"a": "rot"}}), ("describe", {"other": {"name": "a"}}),
            ("describe", {"photo": "AA"}),
            ("sort", {"petal": [1.0], "species": [], "colour": []}), ("crop", {"image": PNG, "threshold": 2}),
        ],
        ids=str,
    )  # fmt: skip
    def test_what_does_not_fit_is_told_as_in_process(self, every: Running, method: str, fields: dict[str, Any]) -> None:
        whole = {**LEAST, **fields} if method == "describe" else fields
        with modelport.connect(str(every.client.base_url)) as remote, pytest.raises(CallError) as far:
            remote.methods[method](**whole)
        with pytest.raises(CallError) as near:
            EVERY.methods[method](**whole)
        assert far.value.problems == near.value.problems


class TestErrors:
    def test_a_model_that_fails_is_told_with_the_services_account(self, trouble: Running) -> None:
        with modelport.connect(str(trouble.client.base_url)) as remote:
            with pytest.raises(ModelFailedError) as caught:
                remote.with_options(request_id="my-own-id").fail(text="x")
            error = caught.value
            assert isinstance(error, ModelError)
            assert (error.kind, error.status, error.request_id) == ("model-failed", 500, "my-own-id")
            assert error.hint == "look in the service's log for my-own-id"
            assert any(line.get("request_id") == "my-own-id" for line in trouble.log())
            assert remote.length(text="abc").value == 3

    def test_each_call_has_an_id_of_its_own(self, trouble: Running) -> None:
        with modelport.connect(str(trouble.client.base_url)) as remote:
            ids = set()
            for _ in range(2):
                with pytest.raises(ModelFailedError) as caught:
                    remote.fail(text="x")
                ids.add(caught.value.request_id)
        assert len(ids) == 2

    @pytest.mark.parametrize("name", ["a b", "a\n", "a" * 129])
    def test_an_id_that_a_service_would_not_take_is_refused_here(self, trouble: Running, name: str) -> None:
        with modelport.connect(str(trouble.client.base_url)) as remote, pytest.raises(InputError, match="is no id"):
            remote.with_options(request_id=name)

    @pytest.mark.parametrize("options", [{"timeout": 0}, {"form": "xml"}])
    def test_options_that_mean_nothing_are_refused(self, options: dict[str, Any]) -> None:
        with pytest.raises(InputError):
            modelport.connect("http://localhost:1", **options)


def test_threads_share_a_remote_model(kinds: Running) -> None:
    wrong = []
    with modelport.connect(str(kinds.client.base_url)) as remote:

        def work(number: int) -> None:
            for i in range(20):
                floats = np.full((1, 3), number * 100 + i, dtype=np.float32)
                if remote.scale(floats=floats, by=1.0).value[0, 0] != number * 100 + i:
                    wrong.append((number, i))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_calls_of_a_loop_go_on_at_once(trouble: Running) -> None:
    async def both() -> tuple[int, str]:
        remote = await modelport.connect_async(str(trouble.client.base_url))
        try:
            slow = asyncio.create_task(remote.sleep(seconds=1.0))
            quick = [await remote.length(text="ab") for _ in range(3)]
            return sum(one.value for one in quick), (await slow).value
        finally:
            await remote.close()

    assert in_loop(both()) == (6, "slept")


def test_importing_modelport_imports_no_client() -> None:
    code = "import modelport, sys; print(sorted({'httpx', 'modelport.client', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
