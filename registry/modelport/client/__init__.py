"""Calling a service from Python, as if its model were here.

`connect` reads the service's own descriptors (`contract`) and makes from them what a caller needs: classes for the
messages (`values`), and for each method a function with real parameters, defaults and documentation (`parameters`).
A call's arguments are checked before anything is sent (`calls`), in the words that the model itself would use. What is
sent, repeated (`retries`) and understood is said once, as steps without a network (`steps`); `transport` carries them
out, blocking (`remote`) or on asyncio's loop (`aio`). Streams are newline-delimited JSON (`lines`).

What fails is a `ServiceError` with the service's own account of it; a service that refuses arguments raises a
`CallError`, and a model that fails raises a `ModelError`, as they do in process.
"""

from __future__ import annotations

from modelport.client.aio import AsyncRemoteModel, connect_async
from modelport.client.described import Health
from modelport.client.errors import (
    ArgumentsRefusedError,
    ModelFailedError,
    Problem,
    ServiceError,
    SignatureChangedError,
)
from modelport.client.remote import RemoteModel, Stream, connect
from modelport.client.retries import Retries

__all__ = [
    "ArgumentsRefusedError",
    "AsyncRemoteModel",
    "Health",
    "ModelFailedError",
    "Problem",
    "RemoteModel",
    "Retries",
    "ServiceError",
    "SignatureChangedError",
    "Stream",
    "connect",
    "connect_async",
]
