"""Builds in a store that others use: what a build needs is spared while garbage is collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.commands import CACHE, Workplace

from modelport.image import About, Plan, build_image
from modelport.image.wheels import target_of
from modelport.oci import Layout, collect_garbage
from modelport.oci.plan import lacking
from modelport.package import Package
from modelport.package.store import Access

if TYPE_CHECKING:
    from pathlib import Path


def test_garbage_is_collected_in_the_middle_of_a_build_and_nothing_is_lost(
    iris: Workplace, base: Path, tmp_path: Path
) -> None:
    class Collecting(About):
        """What is known of a model; whoever asks for it, once the layers are there, has garbage collected, too."""

        def annotations(self, created: int) -> dict[str, str]:
            deleted.append(len(collect_garbage(layout, grace=0).blobs))
            return super().annotations(created)

    layout, deleted = Layout(tmp_path / "store"), list[int]()
    package = Package.read(iris.package("iris-forest"))
    said = {"name": "iris-forest", "version": "1.2.0", "digest": f"sha256:{'0' * 64}"}
    digests = []
    for about in (About(**said), Collecting(**said)):
        plan = Plan(about=about, targets=[target_of("linux/amd64")], base=str(base))
        built = build_image(package, plan, layout, cache=CACHE, access=Access())
        assert lacking(layout, built.index) == ()
        digests.append(built.index.digest)
        layout.untag(built.tag)
    assert digests[0] == digests[1]
    assert deleted[0] > 0  # what the first image had besides the layers that the second one uses, too
