"""Foreign code never runs without being allowed: by no tier, push, path, shipped store or edited cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.package.onnx_files import GOOD
from tests.support.commands import CACHE, Workplace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import DockerRegistry

SOURCE = """\
from pathlib import Path

from modelport import Model

def touch(file: str) -> bool:
    \"\"\"Prove that it ran.\"\"\"
    Path(file).touch()
    return True

model = Model(touch=touch)
"""


class Scene:
    """Somebody's package, and a victim who has never packed it."""

    def __init__(self, folder: Path, registry: DockerRegistry) -> None:
        self.mark = folder / "mark"
        self.arguments = json.dumps({"file": str(self.mark)})
        self.author, self.victim = (self._place(folder / who) for who in ("author", "victim"))
        (self.author.folder / "evil.py").write_text(SOURCE, encoding="utf-8")
        self.host = registry.host

    def _place(self, folder: Path) -> Workplace:
        folder.mkdir()
        return Workplace(folder)

    def refused(self, reference: str | Path) -> bool:
        """Tell whether calling *reference* as the victim was refused and left no mark."""
        done = self.victim.modelport("call", str(reference), "touch", self.arguments)
        return done.returncode == 1 and "--allow-code" in done.stderr and not self.mark.exists()


@pytest.fixture
def scene(tmp_path: Path, docker_registry: DockerRegistry) -> Scene:
    return Scene(tmp_path, docker_registry)


def pushed(scene: Scene, name: str) -> str:
    scene.author.modelport("pack", "evil.py", check=True)
    return scene.author.modelport("push", "evil", f"{scene.host}/{name}/evil:1.0.0", check=True).stdout.strip()


def test_a_pulled_package_is_refused_and_its_author_is_not(scene: Scene) -> None:
    reference = pushed(scene, "plain")
    scene.victim.modelport("pull", reference, check=True)
    assert scene.refused(reference)
    scene.author.modelport("call", "evil", "touch", scene.arguments, check=True)
    assert scene.mark.exists()


def test_a_package_cannot_declare_itself_harmless(scene: Scene) -> None:
    scene.author.modelport("pack", "evil.py", "--out", "evil", check=True)
    info = scene.author.folder / "evil/package.json"
    info.write_text(info.read_text("utf-8").replace("code-bearing", "data-only"), encoding="utf-8")
    done = scene.author.modelport("push", "./evil", f"{scene.host}/tier/evil:1.0.0")
    assert done.returncode == 1  # the schema knows no data-only package that holds code
    assert scene.refused(scene.author.folder / "evil") or not scene.mark.exists()


def test_data_needs_nobodys_word_and_turns_to_code_for_nobody(scene: Scene) -> None:
    (scene.author.folder / "scaled.onnx").write_bytes(GOOD)
    scene.author.modelport("pack", "scaled.onnx", "--method", "scale", check=True)
    reference = scene.author.modelport("push", "scaled", f"{scene.host}/data/scaled:1.0.0", check=True).stdout.strip()
    scene.victim.modelport("pull", reference, "--out", "here", check=True)
    for one in (reference, "./here"):
        answer = scene.victim.modelport("call", one, "scale", '{"x": [[1, 1, 1]]}', check=True)
        assert json.loads(answer.stdout) == {"y": [[1.0, 2.0, 3.0]]}
    shown = json.loads(scene.victim.modelport("show", "./here", "--json", check=True).stdout)
    assert (shown["tier"], shown["files"][-1]["path"]) == ("data-only", "state/scaled.onnx")
    # Foreign code beside the data: the package says nothing of it, or says that it is data all the same.
    folder = scene.victim.folder / "here"
    (folder / "code").mkdir()
    (folder / "code/model.py").write_text(f"open({str(scene.mark)!r}, 'w')\nMETHODS = {{}}\n", encoding="utf-8")
    info = json.loads((folder / "package.json").read_text("utf-8"))
    for code in ([], ["code/model.py"]):
        (folder / "package.json").write_text(json.dumps({**info, "code": code}), encoding="utf-8")
        for more in ([], ["--allow-code"]):
            done = scene.victim.modelport("call", "./here", "scale", '{"x": [[1, 1, 1]]}', *more)
            assert (done.returncode, scene.mark.exists()) == (1, False)


def test_pushing_a_foreign_folder_vouches_for_nothing_and_moves_no_name(scene: Scene) -> None:
    reference = pushed(scene, "launder")
    scene.victim.modelport("pull", reference, "--out", "here", check=True)
    scene.victim.modelport("push", "./here", f"{scene.host}/mirror/evil:1.0.0", check=True)
    assert scene.refused(reference)
    assert scene.refused("evil") or "not in the store" in scene.victim.modelport("show", "evil").stderr


def test_a_folder_given_by_its_path_is_judged_like_any_package(scene: Scene) -> None:
    reference = pushed(scene, "path")
    scene.victim.modelport("pull", reference, "--out", "here", check=True)
    assert scene.refused("./here")
    # The author's own folder runs, until somebody changes it.
    scene.author.modelport("pack", "evil.py", "--out", "mine", check=True)
    scene.author.modelport("call", "./mine", "touch", scene.arguments, check=True)
    code = scene.author.folder / "mine/code/model.py"
    code.write_text(code.read_text("utf-8") + "\n# changed\n", encoding="utf-8")
    changed = scene.author.modelport("call", "./mine", "touch", scene.arguments)
    assert (changed.returncode, "--allow-code" in changed.stderr) == (1, True)


def test_a_store_that_comes_with_a_repository_vouches_for_nothing(scene: Scene) -> None:
    repository = scene.author.folder / "repository"
    repository.mkdir()
    (repository / "modelport.toml").write_text('[store]\npath = "store"\n', encoding="utf-8")
    Workplace(repository, data=scene.author.folder / "data").modelport("pack", "../evil.py", check=True)
    assert (repository / "store/oci-layout").is_file()
    visitor = Workplace(repository, data=scene.victim.folder / "data")
    done = visitor.modelport("call", "evil", "touch", scene.arguments)
    assert (done.returncode, scene.mark.exists()) == (1, False)
    assert "--allow-code" in done.stderr


def test_an_unpacked_copy_that_was_changed_is_not_run(scene: Scene) -> None:
    scene.author.modelport("pack", "evil.py", check=True)
    scene.author.modelport("call", "evil", "touch", scene.arguments, check=True)
    digest = json.loads(scene.author.modelport("store", "list", "--json", check=True).stdout)[0]["digest"]
    code = CACHE / "packages" / digest.partition(":")[2] / "code/model.py"
    honest = code.read_text("utf-8")
    code.write_text(honest.replace("return True", "return False"), encoding="utf-8")
    answer = scene.author.modelport("call", "evil", "touch", scene.arguments, check=True)
    assert json.loads(answer.stdout) == {"value": True}
    assert code.read_text("utf-8") == honest


def test_a_reference_means_exactly_what_it_says(scene: Scene) -> None:
    reference = pushed(scene, "exact")
    scene.victim.modelport("pull", reference, check=True)
    place = reference.partition(":1.0.0")[0]
    for other in (f"{place}:9.9.9", f"{place}:1.0.0@sha256:{'0' * 64}", f"{place}@sha256:{'0' * 64}"):
        done = scene.victim.modelport("call", other, "touch", scene.arguments, "--allow-code")
        assert (done.returncode, scene.mark.exists()) == (1, False), other
