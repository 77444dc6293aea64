"""What engines keep of what they computed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor_engine.kept import Kept


def test_what_is_kept_is_made_once() -> None:
    kept: Kept[list[int]] = Kept(len)
    first = kept.get("a", lambda: [1, 2])
    assert kept.get("a", lambda: [3]) is first


def test_what_was_used_last_stays() -> None:
    kept: Kept[str] = Kept(len, bound=4)
    for name in ("a", "b", "a", "c"):  # two bytes each
        kept.get(name, lambda name=name: name * 2)  # type: ignore[misc]
    assert kept.get("a", lambda: "new") == "aa"
    assert kept.get("b", lambda: "made anew") == "made anew"


def test_a_single_one_stays_whatever_its_size() -> None:
    kept: Kept[str] = Kept(len, bound=4)
    kept.get("large", lambda: "x" * 100)
    assert kept.get("large", lambda: "new") == "x" * 100


def test_what_fails_keeps_nothing() -> None:
    kept: Kept[float] = Kept(lambda one: 1)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 / 0)
    assert kept.get("a", lambda: 2.0) == 2.0


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9)), min_size=1))
def test_it_never_makes_what_fits_twice(asked: list[tuple[str, int]]) -> None:
    """In a row, that is: what was asked for last is always there."""
    kept: Kept[tuple[str, int]] = Kept(lambda one: one[1], bound=9)
    got = [kept.get(name, lambda name=name, size=size: (name, size)) for name, size in asked]  # type: ignore[misc]
    assert [one[0] for one in got] == [name for name, _ in asked]
    for (before, after), (name, _) in zip(pairwise(got), asked[1:], strict=True):
        assert before[0] != name or before is after
