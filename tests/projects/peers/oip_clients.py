"""Third parties' clients against a running service, as an application would use them.

Run by the interpreter of ``requirements/peers/oip-clients.lock``: ``oip_clients.py triton-http|triton-grpc|kserve``, with
the addresses, a model's name, its inputs and the outputs to expect as JSON on stdin. Prints the calls that were made, as
a JSON list; anything that is not as it should be ends it with a traceback.
"""

import asyncio
import base64
import json
import queue
import sys

import numpy as np

DTYPES = {
    "BOOL": np.bool_, "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "UINT8": np.uint8,
    "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64, "FP16": np.float16, "FP32": np.float32,
    "FP64": np.float64,
}


def array(tensor):
    raw = base64.b64decode(tensor["raw"])
    if tensor["datatype"] != "BYTES":
        return np.frombuffer(raw, DTYPES[tensor["datatype"]]).reshape(tensor["shape"])
    found, place = [], 0
    while place < len(raw):
        size = int.from_bytes(raw[place : place + 4], "little")
        found.append(raw[place + 4 : place + 4 + size])
        place += 4 + size
    made = np.empty(len(found), dtype=object)
    made[:] = found
    return made.reshape(tensor["shape"])


def check(plan, as_numpy, *, text=False):
    """Compare an answer with the outputs to expect; text: BYTES come as JSON's strings."""
    for output in plan["outputs"]:
        want, got = array(output), as_numpy(output["name"])
        assert got is not None, f"{output['name']} is not there"
        assert list(got.shape) == output["shape"], (output["name"], got.shape, output["shape"])
        if output["datatype"] != "BYTES":
            np.testing.assert_array_equal(np.asarray(got, want.dtype), want)
            continue
        coded = text and output["content_type"] == "base64"
        flat = [one.encode() if isinstance(one, str) else one for one in got.ravel()]
        flat = [base64.b64decode(one) for one in flat] if coded else flat
        if output["content_type"] == "application/json":
            assert [*map(json.loads, flat)] == [*map(json.loads, want.ravel())], output["name"]
        else:
            assert flat == list(want.ravel()), output["name"]


def is_text(inputs):
    """JSON carries no half floats, and only such bytes as are UTF-8."""
    try:
        [one.decode() for i in inputs if i["datatype"] == "BYTES" for one in array(i).ravel()]
    except UnicodeDecodeError:
        return False
    return all(i["datatype"] != "FP16" for i in inputs)


def triton_metadata(plan, metadata):
    assert metadata["name"] == plan["model"]
    told = {i["name"]: i for i in metadata.get("inputs", [])}
    for i in plan["inputs"]:
        assert told[i["name"]]["datatype"] == i["datatype"]
    assert [o["name"] for o in metadata.get("outputs", [])][: len(plan["outputs"])]


def refused(exception, work, words):
    try:
        work()
    except exception as error:
        assert words in str(error), str(error)
    else:
        raise AssertionError(f"it was not refused: {words}")


def triton_http(plan):
    import tritonclient.http as triton
    from tritonclient.utils import InferenceServerException

    made, model = [], plan["model"]

    def inputs(binary):
        found = []
        for i in plan["inputs"]:
            one = triton.InferInput(i["name"], i["shape"], i["datatype"])
            one.set_data_from_numpy(array(i), binary_data=binary)
            found.append(one)
        return found

    def outputs(binary):
        return [triton.InferRequestedOutput(o["name"], binary_data=binary) for o in plan["outputs"]]

    with triton.InferenceServerClient(plan["http"]) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(model)
        assert not client.is_model_ready("nobody")
        assert client.get_server_metadata()["name"] == "modelport"
        triton_metadata(plan, client.get_model_metadata(model))
        assert model in [one["name"] for one in client.get_model_repository_index()]
        made += ["live", "ready", "model ready", "server metadata", "model metadata", "repository index"]
        refused(InferenceServerException, lambda: client.get_model_config(model), "there is no such address")
        refused(InferenceServerException, lambda: client.get_model_metadata("nobody"), "there is no model 'nobody'")
        made += ["model config (refused)"]

        got = client.infer(model, inputs(True), request_id="seven")  # the client's default: binary both ways
        check(plan, got.as_numpy)
        assert got.get_response()["id"] == "seven"
        check(plan, client.infer(model, inputs(True), outputs=outputs(True)).as_numpy)
        check(plan, client.async_infer(model, inputs(True)).get_result().as_numpy)
        made += ["infer binary", "infer binary, outputs named", "async infer"]
        if is_text(plan["inputs"]) and all(o["datatype"] != "FP16" for o in plan["outputs"]):
            if all(i["content_type"] != "base64" for i in plan["inputs"]):
                check(plan, client.infer(model, inputs(False), outputs=outputs(False)).as_numpy, text=True)
                check(plan, client.infer(model, inputs(False), outputs=outputs(True)).as_numpy)
                made += ["infer JSON", "infer JSON in, binary out"]
        if plan["inputs"]:
            wrong = [triton.InferInput(plan["inputs"][0]["name"], [2, 2, 2], "UINT16")]
            wrong[0].set_data_from_numpy(np.zeros((2, 2, 2), np.uint16))
            refused(InferenceServerException, lambda: client.infer(model, wrong), plan["inputs"][0]["name"])
            made += ["wrong infer (refused)"]
        stats = client.get_inference_statistics(model)["model_stats"][0]
        assert stats["inference_count"] >= 3
        assert stats["inference_stats"]["success"]["ns"] > 0
        made += ["statistics"]
    return made


def triton_grpc(plan):
    import tritonclient.grpc as triton
    from tritonclient.utils import InferenceServerException

    made, model = [], plan["model"]

    def inputs():
        found = []
        for i in plan["inputs"]:
            one = triton.InferInput(i["name"], i["shape"], i["datatype"])
            one.set_data_from_numpy(array(i))
            found.append(one)
        return found

    with triton.InferenceServerClient(plan["grpc"]) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(model)
        assert client.get_server_metadata().name == "modelport"
        triton_metadata(plan, client.get_model_metadata(model, as_json=True))
        assert model in [one.name for one in client.get_model_repository_index().models]
        made += ["live", "ready", "model ready", "server metadata", "model metadata", "repository index"]
        refused(InferenceServerException, lambda: client.get_model_config(model), "one model")
        refused(InferenceServerException, lambda: client.is_model_ready("nobody"), "there is no model 'nobody'")
        made += ["model config (refused)"]

        got = client.infer(model, inputs(), request_id="seven")
        check(plan, got.as_numpy)
        assert got.get_response().id == "seven"
        named = [triton.InferRequestedOutput(o["name"]) for o in plan["outputs"]]
        check(plan, client.infer(model, inputs(), outputs=named).as_numpy)
        answers = queue.Queue()
        client.async_infer(model, inputs(), lambda result, error: answers.put((result, error)))
        result, error = answers.get(timeout=60)
        assert error is None, error
        check(plan, result.as_numpy)
        made += ["infer", "infer, outputs named", "async infer"]

        client.start_stream(lambda result, error: answers.put((result, error)))
        for _ in range(2):
            client.async_stream_infer(model, inputs())
        for _ in range(2):
            result, error = answers.get(timeout=60)
            assert error is None, error
            check(plan, result.as_numpy)
        client.async_stream_infer("nobody", inputs())
        result, error = answers.get(timeout=60)
        assert "there is no model 'nobody'" in str(error)
        client.stop_stream()
        made += ["stream infer"]
        if plan["inputs"]:
            wrong = [triton.InferInput(plan["inputs"][0]["name"], [2, 2, 2], "UINT16")]
            wrong[0].set_data_from_numpy(np.zeros((2, 2, 2), np.uint16))
            refused(InferenceServerException, lambda: client.infer(model, wrong), plan["inputs"][0]["name"])
            made += ["wrong infer (refused)"]
        stats = client.get_inference_statistics(model).model_stats[0]
        assert stats.inference_count >= 5
        made += ["statistics"]
    return made


async def kserve_clients(plan):
    import httpx
    from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
    from kserve.protocol.infer_type import RequestedOutput

    made, model, url = [], plan["model"], f"http://{plan['http']}"
    # By REST this client makes text of every BYTES it is given, so that it cannot take any that are not UTF-8.
    texts = [o for o in plan["outputs"] if o["datatype"] != "BYTES" or is_text([o])]

    def request(binary, out=None):
        inputs = []
        for i in plan["inputs"]:
            one = InferInput(i["name"], i["shape"], i["datatype"])
            one.set_data_from_numpy(array(i), binary_data=binary)
            inputs.append(one)
        outputs = None if out is None else [RequestedOutput(o["name"], {"binary_data": out}) for o in texts]
        return InferRequest(model, inputs, request_id="seven", request_outputs=outputs)

    def as_numpy(answer):
        return lambda name: next((o.as_numpy() for o in answer.outputs if o.name == name), None)

    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await rest.is_server_ready(url)
    assert await rest.is_server_live(url)
    assert await rest.is_model_ready(url, model)
    answer = await rest.infer(url, request(True, out=True), model_name=model)
    check(plan | {"outputs": texts}, as_numpy(answer))
    assert answer.id == "seven"
    made += ["REST ready", "REST live", "REST model ready", "REST infer binary"]
    plain = is_text(plan["inputs"]) and all(t["content_type"] != "base64" for t in plan["inputs"] + plan["outputs"])
    if plain and all(o["datatype"] != "FP16" for o in plan["outputs"]):
        check(plan, as_numpy(await rest.infer(url, request(False), model_name=model)), text=True)
        made += ["REST infer JSON"]
    try:
        await rest.infer(url, {"inputs": []}, model_name="nobody")
    except httpx.HTTPStatusError as error:
        assert "there is no model 'nobody'" in str(error)
        made += ["REST infer (refused)"]
    if "v1" in plan:
        first = InferenceRESTClient(RESTConfig(protocol="v1"))
        answer = await first.infer(url, {"instances": plan["v1"]["instances"]}, model_name=model)
        assert answer == {"predictions": plan["v1"]["predictions"]}, answer
        assert await first.is_model_ready(url, model)
        made += ["REST v1 predict", "REST v1 ready"]

    async with InferenceGRPCClient(plan["grpc"]) as client:
        assert await client.is_server_live()
        assert await client.is_server_ready()
        assert await client.is_model_ready(model)
        check(plan, as_numpy(await client.infer(request(True))))
        made += ["gRPC live", "gRPC ready", "gRPC model ready", "gRPC infer raw"]
        if is_text(plan["inputs"]):
            check(plan, as_numpy(await client.infer(request(False))))
            made += ["gRPC infer contents"]
    return made


if __name__ == "__main__":
    said = json.load(sys.stdin)
    ways = {"triton-http": triton_http, "triton-grpc": triton_grpc, "kserve": lambda p: asyncio.run(kserve_clients(p))}
    print(json.dumps(ways[sys.argv[1]](said)))
