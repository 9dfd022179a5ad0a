"""Read a Knative Service from stdin by classes made from its published schema; write as JSON what they took.

It runs in the environment of ``requirements/peers/knative.lock``, not in ours.
"""

from __future__ import annotations

import json
import sys

from cloudcoil.models.knative_serving.serving.v1 import Service

service = Service.model_validate(json.load(sys.stdin))
sys.stdout.write(service.model_dump_json(by_alias=True, exclude_unset=True))
