from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stentor_engine.bounds import finite, span, within

TIMES = st.floats(-1e3, 1e3)


@given(TIMES, TIMES, st.floats(0, 100))
def test_a_span_is_in_order_and_within_the_audio(start: float, end: float, most: float) -> None:
    begin, until = span(start, end, 0.0, most)
    assert 0 <= begin <= until <= most
    if 0 <= start <= end <= most:
        assert (begin, until) == (start, end)


def test_figures_are_plain_numbers() -> None:
    assert type(within(np.float64(0.5), 0.0, 1.0)) is float
    assert type(finite(np.float64(0.5))) is float
    assert [finite(each) for each in (None, math.inf, -math.inf, math.nan)] == [None] * 4
