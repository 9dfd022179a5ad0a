"""What an edge server keeps of devices: figures, and nothing that was sent to a model nor who sent it."""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.edge.devices import Made, eventually
from tests.edge.test_server import batch, edge_server, made, place  # the same models, in a place of their own

from modelport.edge import Runtime

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Workplace

__all__ = ["made", "place"]

SECRET = 1.2345678901234567
ADDRESS = "127.83.69.67"  # loopback has 16 million of them


def test_neither_inputs_nor_addresses_are_in_the_file_or_the_export(
    place: Workplace, made: dict[str, Made], tmp_path: Path
) -> None:
    try:
        socket.create_server((ADDRESS, 0)).close()
    except OSError:
        pytest.skip(f"this system has no {ADDRESS}")
    kept = b""
    (place.folder / "private").mkdir()
    with edge_server(place, "--statistics", "private/field.sqlite") as (_, url):
        with Runtime.open(
            tmp_path / "device", server=url, device="tablet", source=place.folder / "store", allow_code=True, probe=0.2
        ) as runtime:
            eventually(lambda: runtime.call("tell", {"x": SECRET}, min_accuracy=0.945).place == "server")
            assert str(SECRET) in str(runtime.call("tell", {"x": SECRET}, deadline=60).value)
            assert runtime.report()
        named = httpx.HTTPTransport(local_address=ADDRESS)
        with httpx.Client(transport=named, headers={"User-Agent": "nosy-agent", "Cookie": "id=nosy"}) as client:
            port = client.get(f"{url}/edge/variants").json()["models"][0]["server"][0]["port"]
            base = url.rpartition(":")[0]
            assert client.post(f"{base}:{port}/model/methods/tell", json={"x": SECRET}).status_code == 200
            assert client.post(f"{url}/edge/statistics", json=batch(made["int8"])).json() == {"taken": True}
            spoilt = batch(made["int8"], number=2, inputs=[SECRET])
            assert client.post(f"{url}/edge/statistics", json=spoilt).status_code == 422
        kept += b"".join(one.read_bytes() for one in sorted((place.folder / "private").iterdir()))  # journals, too
    kept += b"".join(one.read_bytes() for one in sorted((place.folder / "private").iterdir()))
    exported = place.modelport("edge", "export", "private/field.sqlite", check=True).stdout
    assert set(json.loads(exported)["devices"]) == {"tablet", "phone"}
    assert b"tablet" in kept, "it is this file that they reported to"
    for secret in (
        str(SECRET).encode(), b"1.23456", struct.pack("<d", SECRET), struct.pack(">d", SECRET),
        b"127.", socket.inet_aton(ADDRESS), socket.inet_aton("127.0.0.1"), b"nosy", b"Agent", b"agent",
    ):  # fmt: skip
        assert secret not in kept, secret
        assert secret not in exported.encode(), secret
