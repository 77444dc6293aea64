from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.errors import ModelUnavailable
from stentor.lifecycle.restarts import BACKOFF_MOST, Restarts, backoff


def test_the_first_failure_says_nothing_yet() -> None:
    assert backoff(0) == backoff(1) == 0
    assert [backoff(n) for n in range(2, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(0, 10**9))
def test_the_pause_grows_to_its_bound(failures: int) -> None:
    assert 0 <= backoff(failures) <= backoff(failures + 1) <= BACKOFF_MOST


def test_a_pause_that_is_too_long_is_told() -> None:
    restarts = Restarts()
    for _ in range(9):
        restarts.failed()
    assert 29 < restarts.pause_of("it", "it broke", most=31) <= 30
    with pytest.raises(ModelUnavailable, match="it failed: it broke") as told:
        restarts.pause_of("it", "it broke")
    assert told.value.retry_after == pytest.approx(30, abs=1)
    restarts.succeeded()
    restarts.failed()
    assert restarts.pause_of("it", "it broke") == 0
