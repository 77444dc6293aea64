"""When words are heard in an answer of many segments."""

from __future__ import annotations

import pytest

from stentor.pipelines.timeline import Timeline
from stentor_engine import Word


def test_words_are_placed_and_end_where_the_next_begins() -> None:
    timeline = Timeline()
    timeline.add([Word("a", 1.0), Word("b", 2.0, end=2.5), Word("c", 3.0)])
    assert timeline.told() == ()  # nobody knows yet where the segment's audio is heard
    timeline.anchor(0.5, 10.0, 2.0)
    assert timeline.told() == (Word("a", 10.25, 10.75), Word("b", 10.75, 11.0))
    assert timeline.end_segment(11.75) == (Word("c", 11.25, 11.75),)


def test_a_word_in_trimmed_silence_is_heard_at_the_beginning() -> None:
    timeline = Timeline()
    timeline.add([Word("a", 0.0)])
    timeline.anchor(0.3, 4.0, 1.0)
    assert timeline.end_segment(5.0) == (Word("a", 4.0, 5.0),)


def test_a_second_run_has_its_own_anchor() -> None:
    timeline = Timeline()
    timeline.anchor(0.0, 0.0, 1.0)
    timeline.add([Word("a", 0.5)])
    timeline.told()
    timeline.loosen()
    timeline.add([Word("b", 1.0)])
    assert timeline.told() == ()
    timeline.anchor(1.0, 1.0, 2.0)
    timeline.add([Word("c", 3.0)])
    assert timeline.told() == (Word("a", 0.5, 1.0), Word("b", 1.0, 2.0))


@pytest.mark.parametrize("sounds", [True, False])
def test_a_segment_leaves_nothing_to_the_next(sounds: bool) -> None:
    timeline = Timeline()
    timeline.add([Word("a", 0.1)])
    if sounds:
        timeline.anchor(0.0, 0.0, 1.0)
    told = timeline.end_segment(1.0)
    assert told == ((Word("a", 0.1, 1.0),) if sounds else ())
    timeline.add([Word("b", 0.0)])
    assert timeline.told() == ()


def test_words_are_written_as_in_the_text() -> None:
    text = 'He said: "Go in the (old) house!" Twice.'
    timeline = Timeline()
    timeline.begin_segment(text)
    timeline.anchor(0.0, 0.0, 1.0)
    spoken = ["He", "said", "Go", "in", "old", "house", "Twice"]  # "in the" in one breath
    timeline.add([Word(word, float(i), at=text.index(word)) for i, word in enumerate(spoken)])
    told = (*timeline.told(), *timeline.end_segment(9.0))
    written = ["He", "said:", '"Go', "in the", "(old)", 'house!"', "Twice."]
    assert [word.text for word in told] == written


def test_scripts_without_spaces_keep_their_signs() -> None:
    timeline = Timeline()
    timeline.begin_segment("你好，「世界」。")
    timeline.anchor(0.0, 0.0, 1.0)
    timeline.add([Word("你好", 0.0, at=0), Word("世界", 1.0, at=4)])
    told = (*timeline.told(), *timeline.end_segment(2.0))
    assert [word.text for word in told] == ["你好，", "「世界」。"]
