"""Read an InferenceService from stdin by the classes of KServe's and Kubernetes' SDKs; write as JSON what they took.

It runs in the environment of ``requirements/peers/oip-clients.lock``, not in ours.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import kserve
from kubernetes import client

_SCALARS = {"str": str, "int": int, "bool": bool}


def taken(value: Any, kind: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what the class that is called *kind* takes of *value*."""
    if kind in _SCALARS:
        return value if type(value) is _SCALARS[kind] else f"is no {kind}"
    if match := re.fullmatch(r"list\[(.*)\]", kind):
        return [taken(one, match[1]) for one in value]
    ours = getattr(kserve, kind, None)
    if ours is None:
        return client.ApiClient().sanitize_for_serialization(getattr(client, kind).from_dict(value))
    names = {key: attribute for attribute, key in ours.attribute_map.items()}
    return {key: taken(one, ours.openapi_types[names[key]]) for key, one in value.items() if key in names}


json.dump(taken(json.load(sys.stdin), "V1beta1InferenceService"), sys.stdout)
