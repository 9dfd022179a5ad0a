"""The job that pushes believes nothing of what the job that built hands over; and it may be killed at any moment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.publish.conftest import NAME, NEWEST, Scratch
from tests.publish.test_publish import pending, tags_of
from tests.support.artifacts import put_release
from tests.support.web import Reply, Request, forwarded, web_server

from modelport.errors import ModelportError
from modelport.oci import Layout, build_index, pull
from modelport.oci.manifest import canonical_json
from modelport.oci.media import REF_NAME
from modelport.publish.handover import read_handover

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def change_index(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads((folder / "index.json").read_bytes())
    change(document)
    (folder / "index.json").write_bytes(canonical_json(document))


def retag(name: str) -> Callable[[Path, Path], None]:
    return lambda folder, _: change_index(folder, lambda d: d["manifests"][0]["annotations"].update({REF_NAME: name}))


def swap_the_package(folder: Path, other: Path) -> None:
    """Take all of another version that is right, under this one's tag."""
    shutil.copytree(other, folder, dirs_exist_ok=True)
    retag(f"{NAME}:{NEWEST}")(folder, other)


def tag_the_manifest(folder: Path, _: Path) -> None:
    layout = Layout(folder)
    (root,) = layout.tags().values()
    manifest = layout.manifest(layout.manifest(root).children[0]).descriptor
    change_index(folder, lambda d: d["manifests"][0].update(manifest.to_json()))


def add_to_the_release(folder: Path, _: Path) -> None:
    """Let the release hold one more manifest beside the pinned package."""
    layout = Layout(folder)
    (root,) = layout.tags().values()
    release = layout.manifest(root)
    more = layout.manifest(put_release(layout, b"more")).children[0]
    wider = layout.put_manifest(build_index([*release.children, more], annotations=dict(release.annotations)))
    change_index(
        folder, lambda d: d["manifests"][0].update(wider.to_json() | {"annotations": {REF_NAME: f"{NAME}:{NEWEST}"}})
    )


def forge(**facts: str) -> Callable[[Path, Path], None]:
    def change(folder: Path, _: Path) -> None:
        document = json.loads((folder / "evidence.json").read_bytes())
        document["reproduced"][0].update(facts)
        (folder / "evidence.json").write_bytes(canonical_json(document))

    return change


def add(path: str, content: str) -> Callable[[Path, Path], None]:
    def change(folder: Path, _: Path) -> None:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content, "utf-8")

    return change


def link_a_blob(folder: Path, other: Path) -> None:
    blob = next((folder / "blobs/sha256").iterdir())
    shutil.move(blob, other / "elsewhere")
    blob.symlink_to(other / "elsewhere")


TAMPERINGS: dict[str, Callable[[Path, Path], None]] = {
    "another package": swap_the_package,
    "tagged as a version that is not": retag(f"{NAME}:9.9.9"),
    "tagged as another version": retag(f"{NAME}:1.0.0"),
    "tagged as another model": retag(f"other:{NEWEST}"),
    "tagged as no model": retag("../../etc:1.0.0"),
    "no release but its manifest": tag_the_manifest,
    "one more manifest in the release": add_to_the_release,
    "two tags": lambda f, _: change_index(f, lambda d: d["manifests"].append(d["manifests"][0])),
    "no tag": lambda f, _: change_index(f, lambda d: d["manifests"].clear()),
    "another annotation": lambda f, _: change_index(f, lambda d: d["manifests"][0]["annotations"].update(a="b")),
    "a blob that nothing needs": add(f"blobs/sha256/{'0' * 64}", ""),
    "a file beside": add(".github", "on: push"),
    "a file in a folder beside": add("more/hook", "curl"),
    "a link for a blob": link_a_blob,
    "a link for a folder": lambda f, o: (f / "more").symlink_to(o),
    "a pipe": lambda f, _: os.mkfifo(f / "more"),
    "a blob less": lambda f, _: max((f / "blobs/sha256").iterdir(), key=lambda b: b.stat().st_size).unlink(),
    "no index": lambda f, _: (f / "index.json").unlink(),
    "no evidence": lambda f, _: (f / "evidence.json").unlink(),
    "evidence of another version": forge(version="1.0.0"),
    "evidence of another outcome": forge(outcome="within-tolerance"),
    "evidence of a day to come": forge(date="2999-12-31"),
    "evidence of a day long ago": forge(date="2020-02-29"),
    "evidence of another Python": forge(python="3.99"),
    "evidence that is none": add("evidence.json", "[" * 100_000),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_what_was_tampered_with_is_refused_and_nothing_of_it_is_seen(scratch: Scratch, tampering: str) -> None:
    TAMPERINGS[tampering](scratch.handover(), scratch.handover("1.0.0"))
    done = scratch.publish("push", scratch.handover(), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert tags_of(scratch) == {}


def test_no_byte_of_any_file_can_be_another(scratch: Scratch) -> None:
    folder = scratch.handover()
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) >= 8
    read_handover(folder, scratch.catalog)
    for file in files:
        right = file.read_bytes()
        # Evidence may tell another day or machine; every byte of the others is what it is.
        places = {0, len(right) // 2, len(right) - 2} if file.name != "evidence.json" else {0}
        for place in places:
            wrong = bytearray(right)
            wrong[place] ^= 1
            file.write_bytes(wrong)
            with pytest.raises(ModelportError):
                read_handover(folder, scratch.catalog)
        file.write_bytes(right[:-3])
        with pytest.raises(ModelportError):
            read_handover(folder, scratch.catalog)
        file.write_bytes(right)
    read_handover(folder, scratch.catalog)


MOMENTS: dict[str, Callable[[str], bool]] = {
    "before the first blob": lambda path: "/blobs/uploads/" in path,
    "between blobs and manifests": lambda path: "/manifests/sha256" in path,
    "between manifests and tags": lambda path: path.endswith(f"/manifests/{NEWEST}-r1"),
    "before the version": lambda path: path.endswith(f"/manifests/{NEWEST}"),
    "before the latest": lambda path: path.endswith("/manifests/latest"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_push_that_was_killed_leaves_nothing_wrong_and_is_finished_by_the_next(
    scratch: Scratch, moment: str, tmp_path: Path
) -> None:
    running: list[subprocess.Popen[str]] = []

    def forward(request: Request) -> Reply:
        if request.method in {"PUT", "POST"} and MOMENTS[moment](request.path):
            running[0].send_signal(signal.SIGKILL)
            return Reply(500)
        return forwarded(request, scratch.host)

    with web_server(forward) as web:
        scratch.use(web.host, scratch.prefix)
        command = [sys.executable, "-m", "modelport", "publish", "push", str(scratch.handover())]
        with subprocess.Popen(
            command, cwd=scratch.root, env=scratch.place.variables, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            running.append(process)
            assert process.wait(60) == -signal.SIGKILL
    scratch.use(scratch.host, scratch.prefix)
    for number, tag in enumerate(tags_of(scratch)):
        pull(scratch.registry, scratch.repository, tag, Layout(tmp_path / f"whole-{number}"))
    assert (NEWEST in pending(scratch)) is (moment != "before the latest")
    scratch.publish("push", scratch.handover())
    assert set(tags_of(scratch)) == {NEWEST, f"{NEWEST}-r1", "latest"}
    assert len(set(tags_of(scratch).values())) == 1
