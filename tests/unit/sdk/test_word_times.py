from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor_engine.word_times import Group, groups, place, timed

SIZES = st.lists(st.integers(1, 9), max_size=12)
TEXTS = st.text(st.sampled_from("ab ,."), max_size=40)


@pytest.mark.parametrize(
    ("phonemes", "found"),
    [
        ("", []),
        (" . ", []),
        ("ab cd", [Group(0, 2), Group(3, 5)]),
        ("“ab”, c.", [Group(1, 3), Group(6, 7)]),
        ("a-b", [Group(0, 3)]),
    ],
)
def test_groups_are_what_stands_between_spaces(phonemes: str, found: list[Group]) -> None:
    assert groups(list(phonemes)) == found


@given(st.text(st.sampled_from("ab .'"), max_size=40))
def test_every_letter_is_in_one_group(phonemes: str) -> None:
    found = groups(list(phonemes))
    owners = [sum(g.first <= at < g.end for g in found) for at in range(len(phonemes))]
    for phoneme, owned in zip(phonemes, owners, strict=True):
        assert owned == 1 if phoneme.isalpha() else owned <= (phoneme != " ")


def test_as_many_words_as_groups_are_one_another() -> None:
    spans = [(0.1, 0.4), (0.5, 0.9)]
    first, second = timed(place("Hello world.", [4, 5]), 0, spans)
    assert (first.text, first.at, first.start, first.end) == ("Hello", 0, 0.1, 0.4)
    assert (second.text, second.at, second.start, second.end) == ("world.", 6, 0.5, 0.9)


def test_words_share_a_group_by_their_letters() -> None:
    of, the = timed(place("of the", [5]), 0, [(1.0, 2.0)])
    assert (of.start, of.end, the.start, the.end) == (1.0, 1.4, 1.4, 2.0)


def test_a_word_may_be_many_groups() -> None:
    (year,) = timed(place("1999", [4, 6, 5]), 0, [(0.0, 0.5), (0.6, 1.0), (1.1, 1.5)])
    assert (year.text, year.start, year.end) == ("1999", 0.0, 1.5)


def test_sentences_have_the_words_that_start_in_them() -> None:
    placed = place("One two. Three.", [3, 3, 5])
    one, two = timed(placed, 0, [(0.0, 1.0), (1.0, 2.0)])
    (three,) = timed(placed, 2, [(2.5, 3.0)])
    assert [word.text for word in (one, two, three)] == ["One", "two.", "Three."]
    assert (two.end, three.start, three.end) == (2.0, 2.5, 3.0)


def test_a_word_does_not_begin_in_the_pause_after_its_group() -> None:
    first, last, after = timed(
        place("long a then", [5, 4, 1]), 0, [(0.0, 0.5), (1.0, 1.5), (2.0, 2.5)]
    )
    assert (first.start, after.end) == (0.0, 2.5)
    pair = list(timed(place("long a", [5]), 0, [(0.0, 0.5)]))
    assert [word.start for word in pair] == [0.0, pytest.approx(0.4)]
    two = list(timed(place("long a b", [5, 5]), 0, [(0.0, 0.5), (1.0, 1.5)]))
    assert all(word.end is not None and word.start <= word.end for word in (*two, last))


@given(TEXTS, SIZES)
def test_every_word_is_told_once_and_in_order(text: str, sizes: list[int]) -> None:
    spans = [(float(at), at + 0.5) for at in range(len(sizes))]
    told = list(timed(place(text, sizes), 0, spans))
    written = [each for each in text.split() if any(map(str.isalnum, each))] if sizes else []
    assert [word.text for word in told] == written
    starts = [word.start for word in told]
    assert starts == sorted(starts)
    for word in told:
        assert word.end is not None
        assert 0 <= word.start <= word.end <= len(sizes)
        assert word.at is not None
        assert text.startswith(word.text, word.at)
