"""JSON in bodies: what is read, what is refused and where, and how long that takes."""

from __future__ import annotations

import gc
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.running import problem_of

from modelport.serve.json_text import quick_json, read_json
from modelport.serve.limits import Limits
from modelport.serve.problem import ProblemError

if TYPE_CHECKING:
    from tests.serve.running import Running

LIMITS = Limits()


def refused(body: bytes) -> str:
    with pytest.raises(ProblemError) as caught:
        read_json(body, LIMITS)
    assert caught.value.kind == "malformed-json"
    return caught.value.detail


def as_doubles(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON with the integers that have more than 64 bits as floats."""
    if isinstance(value, dict):
        return {key: as_doubles(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_doubles(one) for one in value]
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


class TestJson:
    def test_malformed_json_is_told_where(self, kinds: Running) -> None:
        answer = kinds.call("nothing", None, content=b'{"a": 1,\n  oops}')
        assert "line 2, column 3" in problem_of(answer, 400, "malformed-json")["detail"]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b'{"a": NaN}', '"NaN"'),
            (b'{"a": [-Infinity]}', '"-Infinity"'),
            (b'{"text": 1, "text": 2}', "'text' stands twice"),
            (b'{"a": {"b": 1, "b": 1}}', "'b' stands twice"),
            (b'{"a": 1e999}', "beyond what a double holds"),
            (b'{"a": -' + b"9" * 400 + b".0}", "beyond what a double holds"),
            (b'{"a": ' + b"9" * 300_000 + b"}", "more than 512 characters"),
            (b'{"a": 0.' + b"1" * 300_000 + b"}", "more than 512 characters"),
            (b"[" * 33 + b"]" * 33, "more than 32 deep"),
            (b'{"a":' * 33 + b"1" + b"}" * 33, "more than 32 deep"),
            (b"[" * 1_000_000, "more than 32 deep"),
            (b"[[[" * 10_000 + b"]" * 40_000, "more than 32 deep"),
            (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
            (b"\xff\xfe{\x00}\x00", "not UTF-8"),
            (b"{} {}", "Extra data at line 1, column 4"),
            (b"[[[", "line 1, column 4"),
            (b'{"a": "' + b"[" * 50, "Unterminated string"),
        ],
        ids=lambda part: part[:16],
    )
    def test_what_is_refused(self, body: bytes, said: str) -> None:
        assert said in refused(body)

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b"", {}),
            (b"\xef\xbb\xbf{}", {}),
            (b"[" * 32 + b"]" * 32, None),
            (b'["' + b"[{" * 100 + b'"]', ["[{" * 100]),
            (rb'["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]', ['"' + "[" * 41]),
            (b'"' + b"9" * 1000 + b'"', "9" * 1000),
            (b"[1e308, 1E+30, 1e-999]", [1e308, 1e30, 0.0]),
            (b"[" + b"[]," * 100_000 + b"[]]", None),
        ],
        ids=lambda part: str(part)[:16],
    )
    def test_what_is_read(self, body: bytes, value: object) -> None:
        found = read_json(body, LIMITS)
        assert value is None or found == value

    @pytest.mark.parametrize("place", range(-6, 3))
    @pytest.mark.parametrize("part", [rb"\\\"[[", rb"\\\\", rb"\"", b"[[[[[[", rb"\u0022{"])
    def test_strings_are_told_from_the_rest_wherever_they_stand(self, place: int, part: bytes) -> None:
        body = b'["' + b"x" * (2**18 + place) + part * 40 + b'", ["y"]]'
        assert read_json(body, LIMITS) == json.loads(body)
        assert "more than 32 deep" in refused(body[:-1] + b"," + b"[" * 33 + b"]" * 33 + b"]")

    def test_a_huge_integer_is_a_misfit_not_a_stall(self, kinds: Running) -> None:
        body = b'{"floats": [[1, 2, 3]], "by": ' + b"9" * 500 + b"}"
        problem_of(kinds.call("scale", None, content=body), 422, "arguments-do-not-fit")

    @pytest.mark.parametrize(
        "unit", [b'"', b'\\"', b'"\\', b"[]", b"[", b"]", b"[[]", b'{"":', b"9e", b'"a",', b"\\", b"[[[[]]]],"]
    )
    def test_reading_takes_time_linear_in_the_length(self, unit: bytes) -> None:
        def spent(size: int) -> float:
            body = b"[" + unit * (size // len(unit))
            start = time.thread_time()
            refused(body)
            return time.thread_time() - start

        # Ten times the length takes ten times as long, not a hundred: compared on this machine, as busy as it is now.
        # What earlier tests left in memory is kept from the collector: walking it takes longer than the reading.
        gc.collect()
        gc.freeze()
        try:
            short, long = (min(spent(size) for _ in range(3)) for size in (100_000, 1_000_000))
        finally:
            gc.unfreeze()
        assert long < 40 * short + 0.05

    @given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=40))
    def test_what_python_writes_is_read_back(self, value: object) -> None:
        try:
            text = json.dumps(value, allow_nan=False)
        except ValueError:
            refused(json.dumps(value).encode())
            return
        assert read_json(text.encode(), LIMITS) == value

    @given(
        st.text(alphabet='[]{}",:a1e9-.NI\\ ', max_size=30)
        | st.dictionaries(st.sampled_from("ab"), st.lists(st.floats() | st.integers() | st.text())).map(json.dumps)
        | st.integers().map(lambda n: f'{{"a": [{n}{abs(n)}{n}], "b": 1e{n}}}')
    )
    def test_the_quick_reader_knows_nothing_else_than_the_strict_one(self, text: str) -> None:
        body = text.encode("utf-8", "surrogatepass")
        found = quick_json(body, LIMITS)
        if found is not None:
            assert found == as_doubles(read_json(body, LIMITS))

    @given(st.text(alphabet='[]{}",:\\ae1-.+NIn \n') | st.text())
    def test_the_strict_reader_takes_only_what_json_takes(self, text: str) -> None:
        try:
            value = read_json(text.encode("utf-8", "replace"), LIMITS)
        except ProblemError:
            return
        if text:
            assert value == json.loads(text.encode("utf-8", "replace").decode("utf-8-sig"))
