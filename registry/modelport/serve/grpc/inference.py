"""The Open Inference Protocol's gRPC form: protobuf messages <-> what `modelport.serve.oip` knows.

Tensors come as ``raw_input_contents`` or in each input's ``contents``, never as both, and the answer's come as the
request's did; all are raw where one is FP16, for which ``contents`` has no place.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from modelport.model.exchange import Exchange
from modelport.serve.grpc.protocol import CONTENTS
from modelport.serve.oip.infer import Asked, answer_to, error_text, settle
from modelport.serve.oip.models import server_metadata
from modelport.serve.oip.tensors import Given
from modelport.serve.problem import ProblemError
from modelport.serve.reading import off_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from modelport.serve.grpc.calls import Context
    from modelport.serve.grpc.descriptors import Classes
    from modelport.serve.oip.fields import Answer
    from modelport.serve.oip.models import Models, Served
    from modelport.serve.service import Service

__all__ = ["Inference"]

_PARAMETER = "parameter_choice"
_SLICE = 4096  # elements that protobuf takes at once: it lets nothing else run meanwhile


class Inference:
    """Answers the protocol's calls; each method is called as in the protocol."""

    def __init__(self, service: Service, models: Models, classes: Classes) -> None:
        self._service = service
        self._models = models
        self._classes = classes

    async def ServerLive(self, _request: Any, _context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        return self._made("ServerLiveResponse", live=True)

    async def ServerReady(self, _request: Any, _context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        return self._made("ServerReadyResponse", ready=self._models.ready)

    async def ModelReady(self, request: Any, _context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        self._models.find(request.name, request.version)
        return self._made("ModelReadyResponse", ready=self._models.ready)

    async def ServerMetadata(self, _request: Any, _context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        return self._made("ServerMetadataResponse", **server_metadata())

    async def ModelMetadata(self, request: Any, _context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        told = self._models.find(request.name, request.version).metadata()
        for one in (*told["inputs"], *told["outputs"]):
            one.pop("parameters", None)  # which have no place here
        return self._made("ModelMetadataResponse", **told)

    async def RepositoryIndex(self, request: Any, _context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        found = self._models.index()
        models = [one for one in found if not request.ready or one["state"] == "READY"]
        return self._made("RepositoryIndexResponse", models=models)

    async def ModelStatistics(self, request: Any, _context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        found = [self._models.find(request.name, request.version)] if request.name else list(self._models)
        return self._made("ModelStatisticsResponse", model_stats=[one.stats() for one in found])

    async def ModelInfer(self, request: Any, context: Context) -> Any:  # noqa: ANN401, D102, N802 - as the protocol has it
        return await self._inferred(request, context, _written)

    async def ModelStreamInfer(self, requests: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401, D102, N802 - as the protocol has it
        async for request in requests:
            try:
                yield await self._inferred(request, context, self._written_in_stream)
            except ProblemError as problem:
                failed = self._made("ModelInferResponse", id=request.id)
                told = self._made("ModelStreamInferResponse", error_message=error_text(problem), infer_response=failed)
                yield _written(told)

    async def _inferred(self, request: Any, context: Context, write: Callable[[Any], bytes]) -> bytes:  # noqa: ANN401 - a class made at run time
        served = self._models.find(request.model_name, request.model_version)
        context.method = served.method.spec.name
        size = request.ByteSize()
        asked = await off_loop(size, partial(_asked, request, served, size))

        def told(answers: list[Answer]) -> bytes:
            return write(self._response(request, served, answers))

        written = await answer_to(asked, served, self._service, told, request_id=context.request_id)
        return written or b""  # it is None for who is gone, which grpcio tells by itself

    def _written_in_stream(self, response: Any) -> bytes:  # noqa: ANN401 - a class made at run time
        return _written(self._made("ModelStreamInferResponse", infer_response=response))

    async def not_offered(self, _request: bytes, _context: Context) -> bytes:
        """Say that a method of Triton's is none of ours."""
        detail = "this service serves one model, whose package is all its configuration: ModelMetadata tells of it"
        raise ProblemError("method-not-allowed", detail)

    def _response(self, request: Any, served: Served, answers: list[Answer]) -> Any:  # noqa: ANN401 - a class made at run time
        response = self._made("ModelInferResponse", model_name=served.name, model_version=served.version)
        response.id = request.id
        raw = bool(request.raw_input_contents) or not request.inputs
        raw = raw or any(one.tensor.datatype not in CONTENTS for one in answers)
        for one in answers:
            datatype = one.tensor.datatype
            output = response.outputs.add(name=one.tensor.field.name, datatype=datatype, shape=one.shape)
            if raw:
                response.raw_output_contents.append(one.raw())
            else:
                contents, elements = getattr(output.contents, CONTENTS[datatype]), one.elements()
                for start in range(0, len(elements), _SLICE):
                    contents.extend(elements[start : start + _SLICE])
        return response

    def _made(self, name: str, /, **fields: Any) -> Any:  # noqa: ANN401 - a class made at run time
        return self._classes[f"inference.{name}"](**fields)


def _asked(request: Any, served: Served, size: int) -> Asked:  # noqa: ANN401 - a class made at run time
    """Return what a request asks; raise ProblemError with every mistake in it."""
    exchange, raws = Exchange(), request.raw_input_contents
    if raws and len(raws) != len(request.inputs):
        exchange.add("raw_input_contents", f"has {len(raws)} elements for {len(request.inputs)} inputs")
    tensors = []
    for i, one in enumerate(request.inputs):
        given = [field.name for field, _ in one.contents.ListFields()]
        wanted = CONTENTS.get(one.datatype, "")
        if raws and given:
            exchange.add(f"inputs[{i}].contents", "is there besides raw_input_contents; one of them has the data")
        elif wanted and [*filter(wanted.__ne__, given)]:
            exchange.add(f"inputs[{i}].contents", f"has {' and '.join(given)}; {one.datatype} is in {wanted}")
        elif not raws or i < len(raws):
            data = raws[i] if raws else list(getattr(one.contents, wanted)) if wanted else []
            shape, parameters = tuple(one.shape), _parameters(one.parameters)
            tensors.append(Given(one.name, one.datatype, shape, data, bool(raws), parameters))
    names = [one.name for one in request.outputs] or list(served.tensors.outputs)
    served.tensors.check_outputs(names, exchange)
    settle(exchange, served)
    return Asked(request.id, tuple(tensors), dict.fromkeys(names, True), size, exchange)


def _parameters(given: Any) -> dict[str, Any]:  # noqa: ANN401 - a map of protobuf's
    return {name: getattr(one, one.WhichOneof(_PARAMETER)) for name, one in given.items() if one.WhichOneof(_PARAMETER)}


def _written(response: Any) -> bytes:  # noqa: ANN401 - a class made at run time
    return response.SerializeToString()  # type: ignore[no-any-return]
