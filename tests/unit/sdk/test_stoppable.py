from __future__ import annotations

import threading
from contextlib import closing

import pytest

from stentor_engine import stoppable
from stentor_engine.stoppable import STEP


def working() -> bool:
    return any(thread.name.startswith("engine-work") for thread in threading.enumerate())


def test_its_value_is_what_the_work_returns() -> None:
    gate = threading.Event()
    stopped: list[bool] = []

    def work() -> int:
        assert gate.wait(30)
        return 7

    pieces = stoppable(work, lambda: stopped.append(True))
    assert next(pieces) is None
    assert next(pieces) is None
    gate.set()
    with pytest.raises(StopIteration) as ended:
        while True:
            next(pieces)
    assert ended.value.value == 7
    assert not stopped
    assert not working()


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1)])
def test_it_raises_what_the_work_raises(error: BaseException) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        list(stoppable(work, lambda: None))
    assert not working()


def test_closing_stops_the_work_and_waits_for_it() -> None:
    stop, ended = threading.Event(), threading.Event()

    def work() -> None:
        assert stop.wait(30)
        stop.wait(STEP)
        ended.set()

    with closing(stoppable(work, stop.set)) as pieces:
        next(pieces)
        assert not stop.is_set()
    assert ended.is_set()
    assert not working()


def test_nothing_runs_before_it_is_asked_for() -> None:
    def work() -> None:
        raise AssertionError

    with closing(stoppable(work, work)):
        assert not working()
