"""Subtitles, as parsers that are not ours read them."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest
import srt as subrip
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from stentor.text.lines import balanced
from stentor.text.spacing import columns, space_between
from stentor.text.subtitles import VTT_HEAD, Cue, Cues, srt, vtt
from stentor.types import Segment, Word


class Read(NamedTuple):
    start: float
    end: float
    text: str


def cues_of(segments: Iterable[Segment], seconds: float = 1e6) -> list[Cue]:
    cues = Cues()
    return [cue for segment in segments for cue in cues.push(segment)] + cues.finish(seconds)


def read_srt(cues: Sequence[Cue]) -> list[Read]:
    body = "".join(srt(number, cue) for number, cue in enumerate(cues, 1))
    found = list(subrip.parse(body))  # raises where it must skip something
    assert [cue.index for cue in found] == list(range(1, len(cues) + 1))
    second = timedelta(seconds=1)
    return [Read(cue.start / second, cue.end / second, cue.content) for cue in found]


def read_vtt(cues: Sequence[Cue]) -> list[Read]:
    body = VTT_HEAD + "".join(map(vtt, cues))
    found = webvtt.from_buffer(io.StringIO(body)).captions
    assert all("<" not in cue.raw_text for cue in found)
    return [Read(clock(cue.start), clock(cue.end), html.unescape(cue.text)) for cue in found]


def clock(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60 + float(seconds)


def spoken(text: str, start: float = 0.0, pace: float = 0.3) -> Segment:
    """A segment whose words take `pace` seconds each, and a tenth less."""
    words = tuple(
        Word(word, start + at * pace, start + (at + 0.9) * pace)
        for at, word in enumerate(text.split())
    )
    return Segment(text, start, words[-1].end or start, words)


LONG = (
    "The committee met on Tuesday to talk about the harbour, which had been closed since spring. "
    "Nobody knew when it would open again. Some said that it would never open, because the money "
    "was gone; others hoped for a decision before winter."
)


def test_a_long_segment_is_cut_where_one_would_pause() -> None:
    read = read_srt(cues_of([spoken(LONG)]))

    assert " ".join(cue.text.replace("\n", " ") for cue in read) == LONG
    assert len(read) >= 3
    for cue in read:
        assert cue.end - cue.start <= 7.0
        assert len(cue.text.split("\n")) <= 2
        assert max(map(len, cue.text.split("\n"))) <= 42
        assert len(cue.text) > 15  # no word is left alone
    ends = [cue.text[-1] for cue in read]
    assert sum(end in ".,;" for end in ends) >= len(ends) - 1


def test_lines_are_balanced() -> None:
    (cue,) = cues_of([Segment("They walked home in the rain and said nothing.", 0, 3)])
    first, second = read_srt([cue])[0].text.split("\n")
    assert abs(len(first) - len(second)) <= 6


def test_slow_speech_is_cut_by_time_and_silence_by_itself() -> None:
    slow = read_srt(cues_of([spoken("one two three four five six seven", pace=2.0)]))
    assert all(cue.end - cue.start <= 7.0 for cue in slow)
    assert len(slow) > 2
    words = (Word("before", 0.0, 0.5), Word("after", 5.0, 5.5))
    silent = read_srt(cues_of([Segment("before after", 0.0, 5.5, words)]))
    assert [(cue.start, cue.text) for cue in silent] == [(0.0, "before"), (5.0, "after")]


def test_without_words_in_time_a_cue_is_a_segment() -> None:
    read = read_srt(cues_of([Segment(LONG, 1.0, 31.0)]))
    assert [(cue.start, cue.end) for cue in read] == [(1.0, 31.0)]
    assert read[0].text.replace("\n", " ") == LONG
    assert max(map(len, read[0].text.split("\n"))) <= 42


def test_words_that_are_not_those_of_the_text_lose_nothing() -> None:
    segment = Segment(LONG, 0.0, 20.0, (Word("something", 0.0, 1.0), Word("else", 1.0, 2.0)))
    (cue,) = read_srt(cues_of([segment]))
    assert cue.text.replace("\n", " ") == LONG


def test_punctuation_that_words_lack_is_kept() -> None:
    words = (Word("Hello", 0.0, 0.5), Word("you", 0.5, 1.0), Word("Stay", 3.0, 4.0))
    read = read_srt(cues_of([Segment("“Hello, you!” – Stay…", 0.0, 4.0, words)]))
    assert [cue.text for cue in read] == ["“Hello, you!” –", "Stay…"]


def test_chinese_is_cut_without_spaces() -> None:
    text = (
        "我们明天下午在图书馆见面，然后一起去吃饭。你觉得怎么样？如果下雨的话，我们就改天再去。" * 2
    )
    words = tuple(
        Word(char, at * 0.2, at * 0.2 + 0.2)
        for at, char in enumerate(char for char in text if char.isalpha())
    )
    read = read_srt(cues_of([Segment(text, 0.0, len(words) * 0.2, words)]))
    assert "".join(cue.text.replace("\n", "") for cue in read) == text
    assert len(read) > 1
    for cue in read:
        for line in cue.text.split("\n"):
            assert columns(line) <= 42
            assert line[0] not in "，。？"


@pytest.mark.parametrize(
    "text",
    [
        "an arrow --> here",
        "--> 00:00:01,000 --> 00:00:02,000",
        "1 < 2 && 3 > 2, &amp; <b>bold</b> <00:01.000>",
        "NOTE this is no note",
        "7",
        "WEBVTT",
        "{\\an8} text",
        "שלום עולם, זה טקסט מימין לשמאל",
        "مرحبا بالعالم ‏(RTL)‏",
        "👩‍👩‍👧‍👦 family",
    ],
)
def test_texts_that_look_like_markup(text: str) -> None:
    cues = cues_of([Segment(text, 0, 1), Segment("next", 1, 2)])
    assert [cue.text.replace("\n", " ") for cue in read_vtt(cues)] == [text, "next"]
    arrow = text.replace("-->", "→")
    assert [cue.text.replace("\n", " ") for cue in read_srt(cues)] == [arrow, "next"]


def test_blank_lines_and_control_characters_are_gone() -> None:
    odd = "\n\nfirst\r\n\r\n\x00sec\x07ond\x0b\x85 \u2028third\x1b[0m\n\n2\n\n"
    cues = cues_of([Segment(odd, 0, 1), Segment(" \n\x00\n ", 1, 2), Segment("last", 2, 3)])
    for read in (read_srt(cues), read_vtt(cues)):
        assert [cue.text for cue in read] == ["first second third[0m 2", "last"]


@pytest.mark.parametrize(
    ("start", "srt_clock", "vtt_clock"),
    [
        (0.0, "00:00:00,000", "00:00:00.000"),
        (3_599.9994, "00:59:59,999", "00:59:59.999"),
        (3_599.9996, "01:00:00,000", "01:00:00.000"),
        (100 * 3600 + 61.5, "100:01:01,500", "100:01:01.500"),
    ],
)
def test_clocks(start: float, srt_clock: str, vtt_clock: str) -> None:
    (cue,) = cues_of([Segment("a", start, start + 5)])
    assert srt(1, cue).split("\n")[1].startswith(f"{srt_clock} --> ")
    assert vtt(cue).startswith(f"{vtt_clock} --> ")
    (read,) = read_srt([cue])
    assert read.start == pytest.approx(start, abs=1e-3)


def test_a_cue_stays_a_second_where_the_next_lets_it() -> None:
    segments = [Segment("No.", 1.0, 1.1), Segment("No!", 1.4, 1.5), Segment("Go.", 9.0, 9.1)]
    read = read_srt(cues_of(segments, 9.5))
    assert [(cue.start, cue.end) for cue in read] == [(1.0, 1.4), (1.4, 2.4), (9.0, 9.5)]


def test_nothing_heard() -> None:
    assert cues_of([]) == []
    assert webvtt.from_buffer(io.StringIO(VTT_HEAD)).captions == []


times = st.floats(-1, 400_000)
texts = st.text(max_size=60) | st.text("ab -->\n<&.,!。我한 \u202e\u0301", max_size=200)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """Of an engine that gets its times wrong."""
    text = draw(texts)
    words = tuple(
        Word(word, draw(times), draw(st.none() | times))
        for word in (draw(st.permutations(text.split())) if draw(st.booleans()) else text.split())
    )
    return Segment(text, draw(times), draw(times), words)


def visible(text: str) -> str:
    """The characters alone, as both formats show them."""
    shown = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", text)
    return "".join(shown.replace("-->", "→").split())


@given(st.lists(segments(), max_size=5))
def test_whatever_engines_say_makes_valid_subtitles(said: list[Segment]) -> None:
    cues = cues_of(said)
    for read in (read_srt(cues), read_vtt(cues)):
        assert len(read) == len(cues)
        assert all(cue.start < cue.end for cue in read)
        assert all(one.end <= other.start for one, other in pairwise(read))
        shown = "".join(visible(cue.text) for cue in read)
        assert shown == "".join(visible(segment.text) for segment in said)


@given(st.text("ab 我,。(\u0301한", max_size=300).map(lambda t: " ".join(t.split())))
def test_lines_hold_what_they_can(text: str) -> None:
    lines = balanced(text, 20)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(line == line.strip() != "" for line in lines)
    assert all(columns(line) <= 20 or " " not in line for line in lines)


def test_a_line_that_is_full_to_the_last_column() -> None:
    assert balanced("a" * 20 + " " + "b" * 20, 20) == ["a" * 20, "b" * 20]
    assert balanced("a" * 9 + " " + "b" * 10, 20) == ["a" * 9 + " " + "b" * 10]
    full = "a" * 9 + " " + "b" * 10
    assert balanced(f"{full} {full}", 20) == [full, full]
    assert balanced("a" * 10 + " " + "b" * 10, 20) == ["a" * 10, "b" * 10]


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        ("Hello.", "Bye.", " "),
        ("你好。", "再见。", ""),
        ("こんにちは", "カタカナ", ""),
        ("안녕", "세상", " "),
        ("你好", "OpenAI", " "),
        ("a ", "b", ""),
        ("", "b", ""),
    ],
)
def test_space_between(before: str, after: str, between: str) -> None:
    assert space_between(before, after) == between
