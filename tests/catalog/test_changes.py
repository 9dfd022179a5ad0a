from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelport.catalog.changes import changes_since
from modelport.errors import InputError, NotFoundError

CATALOG = Path(__file__).parents[1] / "examples/positive/a-catalog"
FIRST = "models/iris-forest/versions/1.0.0.yaml"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a catalog, on a branch that left ``main`` at its first commit."""

    folder: Path

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog"

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(self.folder), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def write(self, path: str, text: str) -> None:
        (self.catalog / path).parent.mkdir(parents=True, exist_ok=True)
        (self.catalog / path).write_text(text, encoding="utf-8")

    def text(self, path: str) -> str:
        return (self.catalog / path).read_text("utf-8")

    def changed(self) -> list[str]:
        return [folder.name for folder in changes_since("main", self.catalog).entries]

    def problems(self) -> list[tuple[str, str]]:
        found = changes_since("main", self.catalog, root=self.catalog).problems
        return [(problem.file, problem.rule) for problem in found]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    shutil.copytree(CATALOG, tmp_path / "a place/catalog")
    (tmp_path / "a place/modelport.toml").write_text("", encoding="utf-8")
    made = Repository(tmp_path / "a place")
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit()
    made.git("switch", "--quiet", "--create", "mine")
    return made


def test_nothing_changed(repository: Repository) -> None:
    assert (repository.changed(), repository.problems()) == ([], [])


@pytest.mark.parametrize("committed", [True, False])
def test_the_entries_that_changed_are_told_committed_or_not(repository: Repository, *, committed: bool) -> None:
    repository.write("models/gpt/card.md", "More.")
    repository.write("models/new-one/model.yaml", "x")
    repository.write(FIRST.replace("1.0.0", "3.0.0"), "x")
    if committed:
        repository.commit()
    assert repository.changed() == ["gpt", "iris-forest", "new-one"]
    assert repository.problems() == []


def test_what_others_merged_meanwhile_is_no_change_of_mine(repository: Repository) -> None:
    repository.write("models/gpt/card.md", "Mine.")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.write("models/opt/card.md", "Theirs.")
    repository.write(FIRST, repository.text(FIRST) + "# theirs\n")
    repository.commit()
    repository.git("switch", "--quiet", "mine")
    assert (repository.changed(), repository.problems()) == (["gpt"], [])


@pytest.mark.parametrize("committed", [True, False])
def test_a_version_is_neither_changed_nor_removed_nor_renamed(repository: Repository, *, committed: bool) -> None:
    repository.write(FIRST, repository.text(FIRST) + "# one comment\n")
    second = repository.catalog / FIRST.replace("1.0.0", "1.0.1")
    second.rename(second.with_name("1.0.2.yaml"))
    if committed:
        repository.commit()
    assert repository.problems() == [
        (FIRST, "version-immutable"),
        (FIRST.replace("1.0.0", "1.0.1"), "version-immutable"),
    ]


def test_a_name_that_had_a_version_stays_taken(repository: Repository) -> None:
    shutil.rmtree(repository.catalog / "models/iris-trees")
    assert repository.problems() == [("models/iris-trees", "entry-removed")]
    assert "iris-forest" in repository.changed()  # its successor is gone
    assert "iris-trees" not in repository.changed()


def test_a_draft_that_never_had_a_version_may_go(repository: Repository) -> None:
    shutil.rmtree(repository.catalog / "models/gpt")
    repository.commit()
    assert repository.problems() == []


def test_a_new_version_is_newer_than_those_of_its_line(repository: Repository) -> None:
    for version in ("1.0.2", "1.0.1-rc.1", "1.1.0", "2.0.0-rc.0", "not-a-version"):
        repository.write(FIRST.replace("1.0.0", version), "x")
    wrong = [FIRST.replace("1.0.0", version) for version in ("1.0.1-rc.1", "2.0.0-rc.0")]
    assert repository.problems() == [(file, "version-order") for file in wrong]


def test_files_beside_the_entries_are_told_of(repository: Repository) -> None:
    repository.write("models/notes.txt", "x")
    assert repository.problems() == [("models/notes.txt", "file-unexpected")]


def test_new_settings_concern_every_entry(repository: Repository) -> None:
    (repository.folder / "modelport.toml").write_text('[catalog]\naudience = "internal"\n', encoding="utf-8")
    assert len(repository.changed()) == 6


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "", "main:catalog", "HEAD~9"])
def test_a_commit_that_is_not_there_is_told(repository: Repository, ref: str) -> None:
    with pytest.raises(NotFoundError, match="there is no commit"):
        changes_since(ref, repository.catalog)


def test_histories_without_a_common_commit_are_told(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--orphan", "other")
    repository.write("x", "x")
    repository.commit()
    with pytest.raises(NotFoundError, match="no commit in common"):
        changes_since("main", repository.catalog)


def test_a_folder_outside_any_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a git repository"):
        changes_since("main", tmp_path)


@pytest.mark.parametrize("folder", ["catalog", "catalog/models"])
def test_no_link_leads_to_where_the_files_were_never_published(repository: Repository, folder: str) -> None:
    repository.git("mv", folder, "elsewhere")
    (repository.folder / folder).symlink_to(repository.folder / "elsewhere")
    version = repository.catalog / FIRST
    version.write_text(version.read_text("utf-8") + "# another\n", encoding="utf-8")
    repository.commit()
    with pytest.raises(InputError, match="is a symbolic link"):
        changes_since("main", repository.catalog)


def test_a_link_above_the_repository_is_no_matter(repository: Repository, tmp_path: Path) -> None:
    repository.write("models/gpt/card.md", "More.")
    (tmp_path / "link").symlink_to(repository.folder)
    assert [one.name for one in changes_since("main", tmp_path / "link/catalog").entries] == ["gpt"]


def test_a_catalog_that_had_versions_stays_where_it_is(repository: Repository) -> None:
    (repository.folder / "deeper").mkdir()
    repository.git("mv", "catalog", "modelport.toml", "deeper")
    moved = Repository(repository.folder / "deeper")
    moved.write(FIRST, moved.text(FIRST) + "# another\n")
    repository.commit()
    (problem,) = changes_since("main", moved.catalog, root=moved.folder).problems
    assert (problem.file, problem.rule, problem.hint) == ("catalog", "catalog-moved", "move it back to catalog")


def test_a_second_catalog_is_no_moved_one(repository: Repository) -> None:
    second = repository.folder / "second/catalog"
    shutil.copytree(CATALOG, second)
    assert changes_since("main", second).problems == ()
    assert len(changes_since("main", second).entries) == 6


def test_a_catalog_with_a_repository_of_its_own_is_told(repository: Repository) -> None:
    inner = Repository(repository.folder / "second")
    shutil.copytree(CATALOG, inner.catalog)
    own = Repository(inner.catalog)
    own.git("init", "--quiet", "--initial-branch", "main")
    own.commit()
    with pytest.raises(InputError, match="is a repository of its own"):
        changes_since("main", inner.catalog)


def test_profiles_that_changed_are_told_and_one_that_went_concerns_every_entry(repository: Repository) -> None:
    repository.write("devices/board-2.yaml", repository.text("devices/board-1.yaml"))
    repository.commit()
    repository.write("networks/campus.yaml", repository.text("networks/cable.yaml"))
    changes = changes_since("main", repository.catalog)
    assert [file.relative_to(repository.catalog).as_posix() for file in changes.profiles] == [
        "devices/board-2.yaml", "networks/campus.yaml",
    ]  # fmt: skip
    assert (changes.entries, changes.problems) == ((), ())
    (repository.catalog / "devices/board-1.yaml").unlink()
    assert len(repository.changed()) == 6


def test_what_is_known_of_variants_may_change(repository: Repository) -> None:
    path = "models/iris-forest/variants/2.0.0.yaml"
    repository.write(path, repository.text(path).replace("name: int8", "name: static"))
    assert repository.changed() == ["iris-forest"]
    assert repository.problems() == []
