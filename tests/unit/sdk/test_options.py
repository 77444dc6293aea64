from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor_engine import InvalidCall, Option, OptionValue, complete_options

NUMBER = Option("number", "number", 0.5, "about", 0, 1)
INTEGER = Option("integer", "integer", 3, "about", 1)
STRING = Option("string", "string", "a", "about", choices=("a", "b"))
FREE = Option("free", "string", "", "about")
BOOLEAN = Option("boolean", "boolean", False, "about")
ALL = (NUMBER, INTEGER, STRING, FREE, BOOLEAN)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (NUMBER, 0),
        (NUMBER, 1.0),
        (NUMBER, 0.25),
        (INTEGER, 1),
        (INTEGER, 10**30),
        (STRING, "b"),
        (FREE, "anything"),
        (FREE, ""),
        (BOOLEAN, True),
    ],
)
def test_taken(option: Option, value: OptionValue) -> None:
    assert option.check(value) is value
    assert complete_options(ALL, {option.name: value})[option.name] is value


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (NUMBER, -0.1),
        (NUMBER, 2),
        (NUMBER, True),
        (NUMBER, "1"),
        (NUMBER, None),
        (NUMBER, float("nan")),
        (NUMBER, float("inf")),
        (NUMBER, 10**400),
        (INTEGER, 0),
        (INTEGER, 1.0),
        (INTEGER, False),
        (STRING, "c"),
        (STRING, 1),
        (FREE, ["a"]),
        (FREE, b"a"),
        (BOOLEAN, 0),
        (BOOLEAN, "true"),
        (BOOLEAN, {}),
    ],
)
def test_refused_by_name(option: Option, value: object) -> None:
    with pytest.raises(InvalidCall, match=f"'{option.name}'"):
        complete_options(ALL, {option.name: value})


def test_what_is_not_given_has_its_default() -> None:
    assert complete_options(ALL) == {
        "number": 0.5,
        "integer": 3,
        "string": "a",
        "free": "",
        "boolean": False,
    }


def test_later_values_go_before_earlier_ones() -> None:
    values = complete_options(ALL, {"integer": 4, "number": 1}, {"integer": 5})
    assert (values["integer"], values["number"]) == (5, 1)


def test_an_unknown_option_is_told_with_the_known_ones() -> None:
    with pytest.raises(InvalidCall, match=r"'pitch'.*boolean, free, integer, number, string"):
        complete_options(ALL, {"pitch": 1})
    with pytest.raises(InvalidCall, match="none"):
        complete_options((), {"pitch": 1})


@given(st.floats(), st.floats(), st.floats() | st.integers())
def test_a_range_includes_its_ends_and_nothing_beyond(
    low: float, high: float, value: float
) -> None:
    option = Option("o", "number", 0, "about", low, high)
    if low <= value <= high and abs(value) != float("inf"):
        assert option.check(value) is value
    else:
        with pytest.raises(InvalidCall):
            option.check(value)
