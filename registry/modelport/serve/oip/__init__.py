"""The Open Inference Protocol, version 2: a method's messages as named tensors.

https://github.com/kserve/open-inference-protocol, with the extensions of Triton's that clients use: tensors as bytes
behind the JSON, the repository's index, statistics. What its REST and its gRPC form share is here, and the REST form;
`modelport.serve.grpc` has the other.

============  ==========================================================================================
`datatypes`   the protocol's element types, and their bytes
`tensors`     a tensor as a caller sent it: looked over, and taken apart into elements
`fields`      which tensor stands for a field of a message
`mapping`     all tensors of a method -> its native input message, and its native answer -> tensors
`models`      the models that the protocol sees, their metadata and statistics
`request`     the body of an ``infer`` request, JSON with or without bytes behind it; `answer` is the way back
`infer`       a call, from a request's tensors to those of the answer
`rest`        the routes; `first` has those of the protocol's first version
============  ==========================================================================================
"""

from __future__ import annotations

from modelport.serve.oip.rest import oip_routes

__all__ = ["oip_routes"]
