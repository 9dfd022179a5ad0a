"""The value types: what they print they parse, and nothing else."""

from __future__ import annotations

import hashlib
import re
import time
from functools import cmp_to_key
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.accept import whole_text
from modelport.errors import FormatError
from modelport.schema import schema_document
from modelport.types import Digest, Name, Reference, Version

A64 = "a" * 64

numbers = st.integers(0, 999_999_999)
identifiers = st.from_regex(r"[0-9a-z]{1,6}", fullmatch=True).filter(lambda p: not p.isdigit() or p == str(int(p)))
# What stands behind a version in tags: releases, variants, the service.
reserved = re.compile(r"r\d+|service|latest|rebuilt|[a-z]*(4|8|16|32|64)\w*")
words = identifiers.filter(lambda p: not reserved.fullmatch(p)) | st.sampled_from(["rc", "rc1", "r", "ra1", "0r1"])
prereleases = st.just(()) | st.builds(lambda first, rest: (first, *rest), words, st.lists(identifiers, max_size=2))
versions = st.builds(Version, numbers, numbers, numbers, prereleases)
digests = st.builds(Digest.of, st.binary(max_size=4), st.sampled_from(["sha256", "sha512"]))
names = st.from_regex(r"[a-z0-9]{1,5}([._-][a-z0-9]{1,5}){0,3}", fullmatch=True).map(Name)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,12}", fullmatch=True)
hosts = st.sampled_from(
    [
        "localhost",
        "localhost:5000",
        "example.org",
        "a.b-c.example:443",
        "127.0.0.1:5000",
        "[::1]:5000",
        "host:1",
        "Example.ORG",
    ]
)
repositories = st.from_regex(r"[a-z0-9]{1,4}((\.|_|__|-{1,3}|/)[a-z0-9]{1,4}){0,4}", fullmatch=True)
references = st.builds(Reference, st.none(), names.map(str), st.none() | tags, st.none() | digests) | st.builds(
    Reference, hosts, repositories, st.none() | tags, st.none() | digests
)


@given(versions)
def test_versions_parse_what_they_print(version: Version) -> None:
    assert Version.parse(str(version)) == version


@given(digests)
def test_digests_parse_what_they_print(digest: Digest) -> None:
    assert Digest.parse(str(digest)) == digest


@given(names)
def test_names_parse_what_they_print(name: Name) -> None:
    assert Name.parse(str(name)) == name


@given(references)
def test_references_parse_what_they_print(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference


@given(
    st.sampled_from([Version, Digest, Name, Reference]),
    st.text(max_size=20) | st.text("019٣.:/@-_aAf\n [", max_size=20) | st.from_regex(r"\d+\.\d+\.\d+(-[\w.]+)?"),
)
def test_any_text_is_refused_or_printed_as_it_was(kind: type[Version | Digest | Name | Reference], text: str) -> None:
    try:
        value = kind.parse(text)
    except FormatError:
        pass
    else:
        assert str(value) == text


@pytest.mark.parametrize(
    "text", ["0.0.0", "1.0.0", "10.20.30", "1.0.0-rc.1", "1.0.0-0", "1.0.0-0a", "1.0.0-00a", "1.0.0-alpha.beta.1"]
)
def test_good_versions(text: str) -> None:
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.0",
        "1.0.0.0",
        "v1.0.0",
        "01.0.0",
        "1.00.0",
        "1.0.0-",
        "1.0.0-a..b",
        "1.0.0-.a",
        "1.0.0-01",
        "1.0.0-a.00",
        "1.0.0+build",
        "1.0.0-RC",
        "1.0.0-a-b",
        " 1.0.0",
        "1.0.0\n",
        "-1.0.0",
        "1.0.1٣",
        "1.0.0-٣",
        "1234567890.0.0",
        "1.0.0-" + "9" * 5000,
        "1.0.0-" + "a" * 59,
    ],
)
def test_bad_versions(text: str) -> None:
    with pytest.raises(FormatError, match="is not a version"):
        Version.parse(text)


@pytest.mark.parametrize(
    "word",
    [
        "r1", "r0", "r01", "r123456789", "r1.2", "service", "latest", "rebuilt", "int8", "int8.1", "uint8", "int4",
        "float16", "bfloat16", "fp16", "f16", "half", "dynamic", "static", "onnx",
    ],
)  # fmt: skip
def test_no_version_is_called_as_what_is_made_of_another(word: str) -> None:
    with pytest.raises(FormatError, match="names what is made of it"):
        Version.parse(f"1.0.0-{word}")
    assert Version.parse(f"1.0.0-rc.{word}" if word != "r01" else "1.0.0-rc1").prerelease


@pytest.mark.parametrize("schema", ["version", "version-1", "model"])
@given(text=versions.map(str) | st.from_regex(r"1\.0\.0-(r|rc|int|f|0|\.|[0-9]){1,4}\n?", fullmatch=True))
def test_the_schemas_know_the_same_versions(schema: str, text: str) -> None:
    part = schema_document(schema)["properties"]
    rule = part["yanked"]["items"]["properties"]["version"] if schema == "model" else part["version"]
    try:
        right = bool(Version.parse(text))
    except FormatError:
        right = False
    assert right is (re.search(whole_text(rule["pattern"]), text) is not None and len(text) <= rule["maxLength"])


def test_versions_are_ordered_as_semantic_versioning_says() -> None:
    # https://semver.org/spec/v2.0.0.html, section 11, its examples joined and continued.
    ascending = [
        "0.9.9", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
        "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1-a", "1.0.1", "1.1.0", "1.10.0", "10.0.0",
    ]  # fmt: skip
    parsed = [Version.parse(text) for text in ascending]
    assert sorted(parsed, reverse=True)[::-1] == parsed
    assert all(one < two and two > one and one <= two and one != two for one, two in pairwise(parsed))


def semver_compare(one: Version, two: Version) -> int:
    """Compare by the letter of SemVer's section 11, written without the code's key."""
    core = [
        (a > b) - (a < b)
        for a, b in zip((one.major, one.minor, one.patch), (two.major, two.minor, two.patch), strict=True)
    ]
    if any(core):
        return next(c for c in core if c)
    if not one.prerelease or not two.prerelease:
        return bool(two.prerelease) - bool(one.prerelease)
    for a, b in zip(one.prerelease, two.prerelease, strict=False):
        if a == b:
            continue
        if a.isdigit() and b.isdigit():
            return 1 if int(a) > int(b) else -1
        if a.isdigit() or b.isdigit():
            return -1 if a.isdigit() else 1
        return 1 if a > b else -1
    return len(one.prerelease) - len(two.prerelease)


@given(
    st.lists(
        st.builds(
            Version, st.integers(0, 1), st.just(0), st.integers(0, 1), st.lists(identifiers, max_size=2).map(tuple)
        )
    )
)
def test_any_versions_are_ordered_so(some: list[Version]) -> None:
    assert sorted(some) == sorted(some, key=cmp_to_key(semver_compare))


def test_a_version_is_compared_with_versions_only() -> None:
    with pytest.raises(TypeError):
        assert Version.parse("1.0.0") < "2.0.0"


def test_digests() -> None:
    assert str(Digest.of(b"")) == "sha256:" + hashlib.sha256(b"").hexdigest()
    assert len(Digest.of(b"", "sha512").hex) == 128
    with pytest.raises(FormatError, match="'md5' is not a digest's algorithm"):
        Digest.of(b"", "md5")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        f"sha256:{A64}a",
        f"sha256:{A64[1:]}",
        f"sha256:{'A' * 64}",
        f"sha256:{'g' * 64}",
        f"sha512:{A64}",
        f"SHA256:{A64}",
        f"md5:{'a' * 32}",
        f"sha256:{A64[1:]}\n",
        f"{A64}",
        f":{A64}",
        f"sha256:{'٣' * 64}",
    ],
)
def test_bad_digests(text: str) -> None:
    with pytest.raises(FormatError, match="is not a digest"):
        Digest.parse(text)


@pytest.mark.parametrize(
    "text", ["", "A", "a b", "-a", "a-", "a--b", "a..b", "a._b", "größe", "a/b", "a\n", "a" * 65, "..", "."]
)
def test_a_bad_name_comes_with_a_better_one(text: str) -> None:
    with pytest.raises(FormatError, match="is not a model name") as caught:
        Name.parse(text)
    Name.parse(caught.value.hint.removeprefix("use ").strip("'"))


@given(st.text())
def test_the_better_name_is_always_good(text: str) -> None:
    try:
        Name.parse(text)
    except FormatError as error:
        Name.parse(error.hint.removeprefix("use ").strip("'"))


def test_the_parts_of_a_reference() -> None:
    whole = Reference.parse(f"localhost:5000/models/iris-forest:1.0.0@sha256:{A64}")
    assert whole == Reference("localhost:5000", "models/iris-forest", "1.0.0", Digest("sha256", A64))
    assert Reference.parse("iris-forest") == Reference(None, "iris-forest")
    assert Reference.parse("iris-forest:latest") == Reference(None, "iris-forest", "latest")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "@",
        "/",
        "a:",
        "a@",
        "a:b:c",
        "a@sha256:ab",
        "A",
        "host/a",
        "host:5000/",
        "host:/a",
        "host:x/a",
        "host:123456/a",
        "host:٣/a",
        "a.b/A",
        "a.b//c",
        "a.b/c/",
        "a.b/c:",
        "a.b/c:-x",
        "a.b/c:" + "t" * 129,
        "-a.b/c",
        "a.b-/c",
        "http://a.b/c",
        "::1/c",
        "[::1/c",
        "a.b/c d",
        "a.b/c\n",
        "a.b/c:t\n",
        "a.b/../c",
        "a.b/c@",
        f"a.b/c@sha256:{A64}@",
    ],
)
def test_bad_references(text: str) -> None:
    with pytest.raises(FormatError):
        Reference.parse(text)


@pytest.mark.parametrize("kind", [Version, Digest, Name, Reference])
@pytest.mark.parametrize(
    "text", ["a" * 200_000 + "!", "a-" * 100_000, "a.b/" + "a_" * 100_000, "1." * 100_000, "a." * 100_000 + "/x"]
)
def test_long_texts_are_refused_soon(kind: type[Version | Digest | Name | Reference], text: str) -> None:
    begin = time.process_time()
    with pytest.raises(FormatError):
        kind.parse(text)
    assert time.process_time() - begin < 20
