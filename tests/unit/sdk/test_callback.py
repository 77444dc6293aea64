from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from stentor_engine import iterate_callback
from tests.wait import until

Emit = Callable[[int], bool]


def callback_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "engine-callback"]


@pytest.mark.parametrize("count", [0, 1, 500])
def test_yields_what_is_emitted(count: int) -> None:
    def run(emit: Emit) -> None:
        assert all(emit(number) for number in range(count))

    assert list(iterate_callback(run)) == list(range(count))
    assert not callback_threads()


class Failure(Exception):
    pass


@pytest.mark.parametrize("error", [Failure(), SystemExit(1), KeyboardInterrupt()])
def test_raises_what_is_raised(error: BaseException) -> None:
    def run(emit: Emit) -> None:
        emit(1)
        raise error

    pieces = iterate_callback(run)
    assert next(pieces) == 1
    with pytest.raises(type(error)):
        next(pieces)
    assert not callback_threads()


def test_runs_ahead_only_so_far() -> None:
    emitted: list[int] = []

    def run(emit: Emit) -> None:
        for number in range(100):
            emitted.append(number)
            if not emit(number):
                return

    with closing(iterate_callback(run, ahead=3)) as pieces:
        assert next(pieces) == 0
        # Three wait, and one more is at the door.
        until(lambda: len(emitted) == 5, "the callback is ahead")
        assert next(pieces) == 1
        until(lambda: len(emitted) == 6, "the callback goes on")


def test_closing_waits_until_the_library_has_returned() -> None:
    told: list[bool] = []

    def run(emit: Emit) -> None:
        while emit(1):
            pass
        told.append(emit(2))

    pieces = iterate_callback(run)
    assert next(pieces) == 1
    with closing(pieces):
        pass
    assert told == [False]
    assert not callback_threads()


def test_nothing_runs_before_it_is_asked_for() -> None:
    def run(emit: Emit) -> None:
        raise AssertionError

    with closing(iterate_callback(run)):
        assert not callback_threads()
