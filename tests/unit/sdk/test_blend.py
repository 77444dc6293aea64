from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor_engine import parse_blend


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("af_bella(2)+af_sky", {"af_bella": 2 / 3, "af_sky": 1 / 3}),
        ("a+b", {"a": 0.5, "b": 0.5}),
        (" a (0.5) + b(1.5)", {"a": 0.25, "b": 0.75}),
        ("a+b+a", {"a": 2 / 3, "b": 1 / 3}),
        ("a(0)+b", {"a": 0.0, "b": 1.0}),
        ("a", None),
        ("", None),
        ("a+", None),
        ("+a", None),
        ("a(-1)+b", None),
        ("a(x)+b", None),
        ("a(0)+b(0)", None),
        ("a(2+b", None),
        ("+".join("abcdefghijklmnopq"), None),
    ],
)
def test_blends(name: str, shares: dict[str, float] | None) -> None:
    assert parse_blend(name) == (shares if shares is None else pytest.approx(shares))


@given(st.text() | st.text("ab(12)+. "))
def test_shares_add_up_to_one(name: str) -> None:
    blend = parse_blend(name)
    assert blend is None or sum(blend.values()) == pytest.approx(1)
