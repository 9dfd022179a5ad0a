"""The answer to an ``infer`` request: JSON, and behind it the bytes of the outputs that were asked for so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from modelport.model.kinds import Scalar
from modelport.serve.oip.request import JSON_LENGTH

if TYPE_CHECKING:
    from modelport.serve.oip.fields import Answer
    from modelport.serve.oip.infer import Asked
    from modelport.serve.oip.models import Served

__all__ = ["response_to"]

_BYTES = Scalar("bytes")


def response_to(asked: Asked, served: Served, answers: list[Answer]) -> Response:
    """Return the HTTP response with *answers*."""
    outputs, behind = [], []
    for one in answers:
        output: dict[str, Any] = {"name": one.tensor.field.name, "datatype": one.tensor.datatype}
        output["shape"] = list(one.shape)
        if asked.outputs[one.tensor.field.name]:
            behind.append(one.raw())
            output["parameters"] = {"binary_data_size": len(behind[-1])}
        else:
            output |= {"parameters": {"content_type": "base64"}} if one.tensor.kind == _BYTES else {}
            output["data"] = one.in_json()
        outputs.append(output)
    document = {"model_name": served.name, "outputs": outputs}
    document |= {"model_version": served.version} if served.version else {}
    document |= {"id": asked.id} if asked.id else {}
    head = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    if not behind:
        return Response(head, media_type="application/json")
    headers = {JSON_LENGTH: str(len(head))}
    return Response(b"".join([head, *behind]), headers=headers, media_type="application/octet-stream")
