from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.backends.openai_transcripts import transcripts
from stentor.errors import EngineFailed
from stentor_engine import Transcript, Word

SECONDS = 5.0


def test_segments_with_words_and_figures() -> None:
    told = {
        "language": "english",
        "text": "one two three",
        "segments": [
            {
                "id": 0,
                "text": " one two",
                "start": 0.5,
                "end": 2,
                "avg_logprob": -0.5,
                "tokens": [1],
            },
            {"id": 1, "text": " three", "start": 2, "end": 3},
        ],
        "words": [
            {"word": "one", "start": 0.5, "end": 1},
            {"word": "two", "start": 1.2, "end": 2.1},
            {"word": "three", "start": 2.1, "end": 3},
        ],
    }
    first, second = transcripts(told, SECONDS)
    assert (first.text, first.start, first.end, first.language) == ("one two", 0.5, 2, "english")
    assert [word.text for word in first.words] == ["one", "two"]
    assert [word.text for word in second.words] == ["three"]
    assert first.details == {"avg_logprob": -0.5}


def test_words_inside_of_segments() -> None:
    words = [{"word": "one", "start": 0, "end": 1}]
    told = {"segments": [{"text": "one", "start": 0, "end": 1, "words": words}]}
    (only,) = transcripts(told, SECONDS)
    assert [word.text for word in only.words] == ["one"]


def test_text_alone_lasts_as_long_as_the_audio() -> None:
    (only,) = transcripts({"text": " hello \n"}, SECONDS)
    assert (only.text, only.start, only.end, only.words) == ("hello", 0.0, SECONDS, ())


@pytest.mark.parametrize("told", [{"text": " "}, {"text": "", "segments": []}, {}])
def test_nothing_was_said(told: dict[str, Any]) -> None:
    assert transcripts(told, SECONDS) == []


@pytest.mark.parametrize("told", [None, [], "text", {"text": 5}, {"segments": [{"text": "x"}]}])
def test_what_is_no_transcription(told: Any) -> None:
    with pytest.raises(EngineFailed):
        transcripts(told, SECONDS)


times = st.floats() | st.integers(-10, 10) | st.none()


@given(st.lists(st.tuples(times, times), max_size=4), st.lists(st.tuples(times, times), max_size=4))
def test_no_time_lies_outside_of_the_audio(
    segments: list[tuple[Any, Any]], words: list[tuple[Any, Any]]
) -> None:
    told = {
        "text": "x",
        "segments": [{"text": "x", "start": a, "end": b} for a, b in segments],
        "words": [{"word": "x", "start": a, "end": b} for a, b in words],
    }
    heard = transcripts(told, SECONDS)
    assert sum(len(each.words) for each in heard) == len(words)
    timed: list[Transcript | Word] = [*heard, *(word for one in heard for word in one.words)]
    for each in timed:
        assert each.end is not None
        assert 0 <= each.start <= each.end <= SECONDS
