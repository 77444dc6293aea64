"""Segments, at any speed and rate, become one answer in which every word is at its place."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.audio.encode import new_encoder
from stentor.pipelines.render import Renderer, batches
from stentor.types import AudioChunk, Pcm, Rendered, Word

OUT = 24_000
BEEP = 0.12
"""Seconds of sound for each word."""


def spoken(starts: list[float], rate: int) -> tuple[Pcm, tuple[Word, ...]]:
    """A beep at the start of each word, over noise that is no silence."""
    seconds = starts[-1] + 0.5
    samples = np.random.default_rng(0).integers(-60, 60, round(seconds * rate))
    beep = 12_000 * np.sin(np.arange(round(BEEP * rate)) * 2 * np.pi * 600 / rate)
    for start in starts:
        at = round(start * rate)
        samples[at : at + len(beep)] = beep[: len(samples) - at]
    words = tuple(Word(f"w{number}", start) for number, start in enumerate(starts))
    return samples.astype(np.int16), words


def cut(samples: Pcm, words: tuple[Word, ...], rate: int, size: int) -> list[AudioChunk]:
    chunks = []
    for at in range(0, len(samples), size):
        end = (at + size) / rate
        due = tuple(word for word in words if word.start < end)
        words = words[len(due) :]
        chunks.append(AudioChunk(samples[at : at + size], rate, due))
    return chunks


def rendered(segments: list[list[AudioChunk]], pause: float) -> tuple[Pcm, list[Word], Renderer]:
    renderer = Renderer(new_encoder("pcm", OUT), OUT)
    pieces: list[Rendered] = []
    for chunks in segments:
        pieces += [renderer.push(batch) for batch in batches(chunks)]
        pieces.append(renderer.end_segment(pause))
    pieces.append(Rendered(renderer.finish()))
    pcm = np.frombuffer(b"".join(piece.audio for piece in pieces), np.int16)
    return pcm, [word for piece in pieces for word in piece.words], renderer


def beeps(pcm: Pcm) -> list[float]:
    """Seconds at which sound rises, after a pause: stretched sound may end in a little echo."""
    step = OUT // 200
    level = np.abs(pcm[: len(pcm) // step * step].astype(np.int32)).reshape(-1, step).max(1)
    loud = np.flatnonzero(level > 6_000) * step / OUT
    return [
        float(at) for at, gap in zip(loud, np.diff(loud, prepend=-1.0), strict=True) if gap > 0.05
    ]


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([8_000, 22_050, 24_000, 44_100]),
    st.sampled_from([0.5, 0.8, 1.0, 1.25, 2.0]),
    st.integers(100, 20_000),
    st.lists(st.sampled_from([0.0, 0.07, 0.3]), min_size=1, max_size=3),
)
def test_words_are_told_where_they_are_heard(
    rate: int, speed: float, size: int, leads: list[float]
) -> None:
    segments = []
    for lead in leads:
        samples, words = spoken([0.0, 0.4, 0.9], rate)
        silence = np.zeros(round(lead * rate), np.int16)
        late = tuple(replace(word, start=word.start + lead) for word in words)
        chunks = cut(np.concatenate((silence, samples)), late, rate, size)
        segments.append([replace(chunk, speed=speed) for chunk in chunks])
    pcm, words_heard, renderer = rendered(segments, pause=0.25)
    assert [word.text for word in words_heard] == ["w0", "w1", "w2"] * len(leads)
    heard = beeps(pcm)
    assert len(heard) == 3 * len(leads)
    for word, at in zip(words_heard, heard, strict=True):
        assert word.start == pytest.approx(at, abs=0.035)
        assert word.end is not None
        assert word.start < word.end <= renderer.seconds
    for word, after in itertools.pairwise(words_heard):
        assert word.end is not None
        assert word.end <= after.start + 1e-9


def test_the_answer_is_as_long_as_its_parts() -> None:
    samples, words = spoken([0.0, 0.5], 22_050)
    chunks = [replace(chunk, speed=1.6) for chunk in cut(samples, words, 22_050, 999)]
    pcm, _, renderer = rendered([chunks] * 4, pause=0.3)
    assert len(pcm) / OUT == pytest.approx(4 * (len(samples) / 22_050 / 1.6 + 0.3), abs=0.02)
    assert renderer.seconds == len(pcm) / OUT


def test_a_change_of_rate_and_speed_inside_a_segment_loses_nothing() -> None:
    samples, words = spoken([0.0, 0.4, 0.9, 1.4], 22_050)
    slow, slow_words = spoken([0.0, 0.4], 8_000)
    since = len(samples) / 22_050
    later = tuple(replace(word, text="x", start=word.start + since) for word in slow_words)
    first = cut(samples, words, 22_050, 5_000)
    second = [replace(chunk, speed=0.5) for chunk in cut(slow, (), 8_000, 500)]
    second[0] = replace(second[0], words=later)
    pcm, heard, _ = rendered([first + second], pause=0.1)
    assert [word.text for word in heard] == ["w0", "w1", "w2", "w3", "x", "x"]
    for word, at in zip(heard, beeps(pcm), strict=True):
        assert word.start == pytest.approx(at, abs=0.04)


def test_a_segment_without_sound_moves_nothing() -> None:
    samples, words = spoken([0.2], 24_000)
    silent = [AudioChunk(np.zeros(5_000, np.int16), 24_000)]
    chunks = cut(samples, words, 24_000, 700)
    pcm, heard, renderer = rendered([silent, chunks, silent], pause=0.2)
    assert [word.start for word in heard] == pytest.approx(beeps(pcm), abs=0.01)
    assert renderer.spoken
