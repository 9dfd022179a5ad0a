"""oci-archives: equal content gives equal bytes, other tools read ours and we theirs, and nothing damaged gets in."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.oci.test_referrers import REPORT, SIGNATURE, referrer
from tests.support.artifacts import put_artifact, put_release

from modelport.errors import FormatError, InputError, IntegrityError, ModelportError, NotFoundError
from modelport.oci import Descriptor, Layout
from modelport.oci.archive import export_archive, import_archive
from modelport.oci.archive_file import Archive
from modelport.oci.media import REF_NAME
from modelport.oci.referrers import layout_referrers, referrer_descriptor
from modelport.oci.store import tags
from modelport.oci.store.files import new_file
from modelport.types import Digest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Give a store with two tags; a report and its signature refer to the first."""
    layout = Layout(tmp_path / "store")
    release = put_release(layout, b"one", os.urandom(100_000))
    layout.tag("demo/iris:1.0.0", release)
    layout.tag("other:1", put_artifact(layout, b"three", b""))
    report = referrer(layout, layout.manifest(release).children[0], REPORT)
    signature = referrer(layout, report.descriptor, SIGNATURE)
    for document in (report, signature):
        layout.keep(referrer_descriptor(document))
    return layout


def files(layout: Layout) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (layout.path / "blobs").rglob("*") if path.is_file()}


def export(layout: Layout, file: Path, *names: str) -> Path:
    tags = layout.tags()
    export_archive(layout, {name: tags[name] for name in names or tags}, file)
    return file


def skopeo(*arguments: str) -> bytes:
    return subprocess.run(["skopeo", *arguments], check=True, capture_output=True).stdout


def test_what_is_imported_is_what_was_exported(layout: Layout, tmp_path: Path) -> None:
    file = export(layout, tmp_path / "a.tar")
    target = Layout(tmp_path / "other")
    assert import_archive(Archive(file), target) == layout.tags() == target.tags()
    assert files(target) == files(layout)
    (model, _) = layout.manifest(layout.resolve("demo/iris:1.0.0")).children
    (report,) = layout_referrers(target, model.digest)
    assert report.artifact_type == REPORT
    assert [one.artifact_type for one in layout_referrers(target, report.digest)] == [SIGNATURE]
    again = export(target, tmp_path / "b.tar")
    assert again.read_bytes() == file.read_bytes(), "and equal content gives equal bytes, whatever store it lies in"


def test_one_reference_takes_along_what_it_needs_and_no_more(layout: Layout, tmp_path: Path) -> None:
    target = Layout(tmp_path / "other")
    import_archive(Archive(export(layout, tmp_path / "a.tar", "other:1")), target)
    assert list(target.tags()) == ["other:1"]
    assert len(files(target)) == 4
    assert len(target.roots()) == 1
    import_archive(Archive(export(layout, tmp_path / "a.tar")), target, names=["demo/iris:1.0.0"])
    assert files(target) == files(layout)
    with pytest.raises(NotFoundError, match="has no absent:1") as caught:
        import_archive(Archive(tmp_path / "a.tar"), target, names=["absent:1"])
    assert "demo/iris:1.0.0" in caught.value.hint


def test_members_are_sorted_and_say_nothing_of_who_made_them(layout: Layout, tmp_path: Path) -> None:
    with tarfile.open(export(layout, tmp_path / "a.tar")) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert {(m.mode, m.uid, m.gid, m.mtime, m.uname, m.gname, m.type) for m in members} == {
        (0o644, 0, 0, 0, "", "", tarfile.REGTYPE)
    }


def test_skopeo_reads_what_was_exported(layout: Layout, tmp_path: Path) -> None:
    release = layout.resolve("demo/iris:1.0.0")
    layout.tag(f"127.0.0.1:5000/a/b:1@{release.digest}", release)
    file = export(layout, tmp_path / "a.tar")
    for name in layout.tags():
        assert skopeo("inspect", "--raw", f"oci-archive:{file}:{name}") == layout.read(layout.resolve(name))
    skopeo("copy", "--all", f"oci-archive:{file}:demo/iris:1.0.0", f"oci:{tmp_path}/skopeo:copied")
    assert Layout(tmp_path / "skopeo").resolve("copied").digest == release.digest


@pytest.mark.parametrize("name", ["back:1", ""])
def test_what_skopeo_wrote_is_imported(name: str, layout: Layout, tmp_path: Path) -> None:
    release = layout.resolve("demo/iris:1.0.0")
    skopeo(
        "copy", "--all", f"oci:{layout.path}:demo/iris:1.0.0", f"oci-archive:{tmp_path}/s.tar{':' * bool(name)}{name}"
    )
    target = Layout(tmp_path / "other")
    import_archive(Archive(tmp_path / "s.tar"), target)
    assert [root.digest for root in target.roots()] == [release.digest]
    assert list(target.tags()) == [name] * bool(name)
    assert target.manifest(release).children == layout.manifest(release).children
    (layout.path / "blobs/sha256" / release.digest.hex).unlink()
    import_archive(Archive(tmp_path / "s.tar"), layout)
    assert layout.manifest(release).descriptor == release


def test_what_tar_made_of_a_layout_is_imported(layout: Layout, tmp_path: Path) -> None:
    # Folders, "./" before names, a time, an owner, and members in whatever order.
    for extra in ([], ["--format=gnu"], ["--format=pax", "--sort=name"]):
        subprocess.run(["tar", "-C", layout.path, *extra, "-cf", tmp_path / "t.tar", "."], check=True)
        target = Layout(tmp_path / f"other-{len(extra)}")
        assert import_archive(Archive(tmp_path / "t.tar"), target) == layout.tags()
        assert files(target) == files(layout)


def test_importing_again_writes_nothing_and_goes_on_where_it_stopped(layout: Layout, tmp_path: Path) -> None:
    file, target = export(layout, tmp_path / "a.tar"), Layout(tmp_path / "other")
    large = max(files(layout), key=lambda name: len(files(layout)[name]))
    archive, stopped = Archive(file), RuntimeError("stopped")

    def stop(node: Descriptor, _: int) -> None:
        if node.digest.hex == large:
            raise stopped

    with pytest.raises(RuntimeError):
        import_archive(archive, target, progress=stop)
    assert target.tags() == {}
    assert not target.has(Descriptor(media_type="a/b", digest=Digest("sha256", large), size=100_000))
    import_archive(archive, target)
    assert files(target) == files(layout)
    before = {path: path.stat().st_ino for path in (target.path / "blobs/sha256").iterdir()}
    import_archive(archive, target)
    assert {path: path.stat().st_ino for path in (target.path / "blobs/sha256").iterdir()} == before


def test_an_export_appears_whole_or_not_at_all(layout: Layout, tmp_path: Path) -> None:
    file = tmp_path / "out" / "a.tar"
    file.parent.mkdir()
    older = export(layout, file, "other:1").read_bytes()
    damaged = max((layout.path / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(IntegrityError, match=damaged.name):
        export(layout, file)
    damaged.unlink()
    with pytest.raises(NotFoundError, match=rf"lacks 1 of the blobs.*{damaged.name}"):
        export(layout, file)
    assert [path.name for path in file.parent.iterdir()] == ["a.tar"]
    assert file.read_bytes() == older
    with pytest.raises(InputError, match="there is no folder"):
        export(layout, tmp_path / "absent/a.tar", "other:1")


def test_nothing_but_an_archive_is_replaced(layout: Layout, tmp_path: Path) -> None:
    archive = export(layout, tmp_path / "a.tar", "other:1")
    (tmp_path / "link.tar").symlink_to(archive)
    (tmp_path / "note.txt").write_text("mine\n" * 1000, "utf-8")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    with tarfile.open(tmp_path / "other.tar", "w") as other:
        other.add(tmp_path / "note.txt", "note.txt")
    before = archive.read_bytes()
    for name in ("note.txt", "empty", "folder", "device", "pipe", "other.tar", "note.txt/a.tar"):
        with pytest.raises(InputError, match=name) as caught:
            export(layout, tmp_path / name)
        assert caught.value.hint
    assert (tmp_path / "note.txt").read_text("utf-8") == "mine\n" * 1000
    assert (tmp_path / "device").is_symlink()
    assert archive.read_bytes() == before
    # A link to an archive stays one, and what it points at is replaced.
    export(layout, tmp_path / "link.tar")
    assert (tmp_path / "link.tar").is_symlink()
    assert Archive(archive).tags() == layout.tags()


def test_what_a_killed_export_left_is_removed_by_the_next(layout: Layout, tmp_path: Path) -> None:
    dead, alien = tmp_path / ".a.tar.new-abcd1234", tmp_path / ".a.tar.new-of-mine"
    dead.write_bytes(b"half")
    alien.write_bytes(b"mine")
    with new_file(tmp_path, prefix=".a.tar.new-") as held:
        export(layout, tmp_path / "a.tar")
        assert Path(held.name).exists()
    assert {one.name for one in tmp_path.iterdir()} == {"a.tar", alien.name, "store"}


def test_a_full_disk_is_told_of_the_file_that_was_asked_for(layout: Layout, tmp_path: Path) -> None:
    target = tmp_path / "a.tar"
    script = (
        "import resource, signal, sys; from pathlib import Path; from modelport.oci import Layout\n"
        "from modelport.oci.archive import export_archive\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); layout = Layout(Path(sys.argv[1])); tags = layout.tags()\n"
        "with layout.lease(): resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "export_archive(layout, tags, Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", script, str(layout.path), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"SetupError: {target} cannot be written: File too large\n  hint: free some space" in done.stderr
    assert "STORE" not in done.stderr
    assert list(tmp_path.glob(".a.tar*")) == []


def remade(file: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> Path:
    """Write the archive anew with some members changed, or left out."""
    target = file.with_suffix(".changed.tar")
    with tarfile.open(file) as old, tarfile.open(target, "w") as new:
        for member in old:
            opened = old.extractfile(member)
            assert opened is not None
            changed = change(member, opened.read())
            if changed is not None:
                changed[0].size = len(changed[1])
                new.addfile(changed[0], io.BytesIO(changed[1]))
    return target


def without(name: str) -> Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]:
    return lambda member, raw: None if member.name == name else (member, raw)


def nothing_came(file: Path, folder: Path, problem: type[ModelportError], said: str) -> None:
    target = Layout(folder)
    with pytest.raises(problem, match=said):
        import_archive(Archive(file), target)
    assert target.tags() == {}
    assert target.roots() == ()


def test_an_archive_that_lacks_something_says_what(layout: Layout, tmp_path: Path) -> None:
    file = export(layout, tmp_path / "a.tar")
    with tarfile.open(file) as archive:
        names = archive.getnames()
    for name in names:
        changed = remade(file, without(name))
        said = name.rpartition("/")[2]
        problem = NotFoundError if name.startswith("blobs/") else FormatError
        nothing_came(changed, tmp_path / "other", problem, said)
    assert not (tmp_path / "other" / "blobs").exists(), "all that is missing was found out before anything was written"


def test_no_flipped_bit_gets_in(layout: Layout, tmp_path: Path) -> None:
    file = export(layout, tmp_path / "a.tar")
    whole, wanted = file.read_bytes(), files(layout)
    damaged = tmp_path / "d.tar"
    for position in range(3, len(whole) - 10240, (len(whole) - 10240) // 150):
        damaged.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        target = Layout(tmp_path / f"other-{position}")
        try:
            import_archive(Archive(damaged), target)
        except ModelportError:
            assert target.tags() == {}
        # Whatever came is right: where a bit means nothing, as in a header's padding, or in what none of it needs.
        assert all(wanted.get(name) == content for name, content in files(target).items())


def test_an_archive_that_is_cut_off_is_refused_at_once(layout: Layout, tmp_path: Path) -> None:
    whole = export(layout, tmp_path / "a.tar").read_bytes()
    for length in (0, 100, 512, 1000, len(whole) // 2, len(whole) - 10240 - 512):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with pytest.raises(FormatError, match=r"cut\.tar is not an oci-archive") as caught:
            Archive(tmp_path / "cut.tar")
        assert caught.value.hint
    (tmp_path / "cut.tar").write_bytes(whole[:-20_000])
    with pytest.raises(FormatError, match="it is cut off: 'blobs/"):
        Archive(tmp_path / "cut.tar")
    for text in ("short", "longer " * 200):
        (tmp_path / "note.txt").write_text(text, "utf-8")
        with pytest.raises(FormatError, match="tar archive") as caught:
            Archive(tmp_path / "note.txt")
        assert "cut off" not in caught.value.message


def link(kind: bytes, name: str) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info, b""


HOSTILE: dict[str, Callable[[], list[tuple[tarfile.TarInfo, bytes]]]] = {
    "a symbolic link": lambda: [link(tarfile.SYMTYPE, "blobs/sha256/" + "a" * 64)],
    "a hard link": lambda: [link(tarfile.LNKTYPE, "index.json")],
    "a device": lambda: [link(tarfile.CHRTYPE, "blobs/sha256/" + "a" * 64)],
    "a pipe": lambda: [link(tarfile.FIFOTYPE, "x")],
    "twice": lambda: [(tarfile.TarInfo("oci-layout"), b'{"imageLayoutVersion": "1.0.0"}')],
}


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_members_are_refused(said: str, layout: Layout, tmp_path: Path) -> None:
    file = export(layout, tmp_path / "a.tar")
    with tarfile.open(file, "a") as archive:
        for info, raw in HOSTILE[said]():
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    with pytest.raises(FormatError, match=said):
        Archive(file)


def test_members_that_no_layout_has_are_passed_over(layout: Layout, tmp_path: Path) -> None:
    file = export(layout, tmp_path / "a.tar")
    with tarfile.open(file, "a") as archive:
        for name in ("../../evil", "/evil", "manifest.json", "blobs/sha256/../../evil", "blobs/md5/" + "a" * 32):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    import_archive(Archive(file), Layout(tmp_path / "in/other"))
    assert files(Layout(tmp_path / "in/other")) == files(layout)
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("oci-layout", b'{"imageLayoutVersion": "2.0.0"}', "only 1.0.0 is known"),
        ("oci-layout", b"[]", "not an object"),
        ("index.json", b"{}", "does not list manifests"),
        ("index.json", b'{"manifests": [1]}', "does not list manifests"),
        ("index.json", b'{"manifests": [{"mediaType": "a/b", "size": 1}]}', "digest"),
    ],
)
def test_an_archive_of_something_else_is_refused(
    name: str, content: bytes, said: str, layout: Layout, tmp_path: Path
) -> None:
    file = export(layout, tmp_path / "a.tar")
    changed = remade(file, lambda member, raw: (member, content if member.name == name else raw))
    with pytest.raises(FormatError, match=said):
        Archive(changed)


def test_a_tags_name_that_no_layout_may_have_is_found_out_first(layout: Layout, tmp_path: Path) -> None:
    file = export(layout, tmp_path / "a.tar")
    changed = remade(file, lambda member, raw: (member, raw.replace(b"demo/iris:1.0.0", b"demo iris:1.0.0")))
    nothing_came(changed, tmp_path / "other", FormatError, "cannot be a tag's name")
    assert not (tmp_path / "other").exists()


def test_annotations_that_another_tool_wrote_beside_a_name_are_left_behind(layout: Layout, tmp_path: Path) -> None:
    file = export(layout, tmp_path / "a.tar", "other:1")

    def annotate(member: tarfile.TarInfo, raw: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "index.json":
            index = json.loads(raw)
            index["manifests"][0]["annotations"]["org.modelport.partial"] = str(Digest.of(b"three"))
            raw = json.dumps(index).encode()
        return member, raw

    target = Layout(tmp_path / "other")
    import_archive(Archive(remade(file, annotate)), target)
    assert target.resolve("other:1").annotations == {}


def test_more_than_8_gib_in_one_blob_fits_the_format(tmp_path: Path) -> None:
    # Not the bytes, only their header: pax's record, as we write it, and GNU's binary number.
    member = tarfile.TarInfo("blobs/sha256/" + "a" * 64)
    member.size = 9 * 1024**3
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with (tmp_path / "large.tar").open("wb") as file:
            file.write(member.tobuf(form, "utf-8", "strict"))
            file.seek(member.size, os.SEEK_CUR)  # a hole in the file: nothing is written
            for name, raw in (("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'), ("index.json", b'{"manifests": []}')):
                small = tarfile.TarInfo(name)
                small.size = len(raw)
                file.write(small.tobuf() + raw + bytes(-len(raw) % 512))
            file.write(bytes(1024))
        archive = Archive(tmp_path / "large.tar")
        assert archive.has(Descriptor(media_type="a/b", digest=Digest("sha256", "a" * 64), size=member.size))


def made(target: Path, entries: list[dict[str, object]], *contents: bytes) -> Path:
    """Write an archive with these contents whose ``index.json`` has these entries."""
    index = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    members = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index}
    members |= {f"blobs/sha256/{Digest.of(content).hex}": content for content in contents}
    with tarfile.open(target, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target


def test_of_two_entries_with_one_name_the_last_counts(layout: Layout, tmp_path: Path) -> None:
    documents = [put_artifact(layout, content) for content in (b"older", b"newer")]
    entries: list[dict[str, object]] = [{**one.to_json(), "annotations": {REF_NAME: "v:1"}} for one in documents]
    archive = Archive(made(tmp_path / "a.tar", entries, *files(layout).values()))
    target = Layout(tmp_path / "other")
    assert import_archive(archive, target) == {"v:1": documents[1]}
    assert target.tags() == {"v:1": documents[1]}


@pytest.mark.parametrize("annotations", [{REF_NAME: "v:1"}, {}])
def test_what_is_listed_and_is_no_manifest_is_found_out_before_anything_is_written(
    annotations: dict[str, str], layout: Layout, tmp_path: Path
) -> None:
    sound = put_artifact(layout, b"sound")
    layer = Descriptor.of(b"a layer").to_json() | {"annotations": annotations}
    entries = [sound.to_json() | {"annotations": {REF_NAME: "sound:1"}}, layer]
    archive = Archive(made(tmp_path / "a.tar", entries, b"a layer", *files(layout).values()))
    target = Layout(tmp_path / "other")
    with pytest.raises(FormatError, match=r"a\.tar: .* is neither a manifest nor an index") as caught:
        import_archive(archive, target)
    assert "name the tags" in caught.value.hint
    assert not target.path.exists()
    assert import_archive(archive, target, names=["sound:1"]) == {"sound:1": sound}


def test_the_list_of_tags_is_written_once(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of thousands of tags that is written once for each of them takes minutes."""
    for n in range(20):
        layout.tag(f"many:{n}", put_artifact(layout, f"{n}".encode()))
    archive = Archive(export(layout, tmp_path / "a.tar"))
    target, written = Layout(tmp_path / "other"), []
    target.put_blob(b"the layout is there")
    monkeypatch.setattr(tags, "write_entries", lambda *_: written.append(1))
    import_archive(archive, target)
    assert len(written) == 1


def test_what_lies_outside_the_store_has_the_mode_that_its_user_wants(layout: Layout, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        mine = export(layout, tmp_path / "mine.tar")
        os.umask(0o002)
        ours = export(layout, tmp_path / "ours.tar")
    finally:
        os.umask(before)
    assert [file.stat().st_mode & 0o777 for file in (mine, ours)] == [0o600, 0o664]
