"""espeak speaks and pocketsphinx hears, truly: lengths, pitch, loudness, words in their places."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.audio import Samples, decoded, word_errors, words
from tests.contract.engines import call, hearing, speech_engine, spoken, transcription_engine

TEXT = "one two three four five six seven eight nine ten"
JFK = (
    "and so my fellow americans ask not what your country can do for you "
    "ask what you can do for your country"
)


def pitch(samples: Samples, rate: int) -> float:
    """Hz, by autocorrelation: the median over the frames of 50 ms that are voiced."""
    size = rate // 20
    low, high = rate // 400, rate // 60
    found = []
    for start in range(0, len(samples) - size, size):
        frame = samples[start : start + size].astype(float)
        correlation = np.correlate(frame, frame, "full")[size - 1 :]
        if correlation[0] < size * 500**2:
            continue
        alike = correlation[low:high] / (size - np.arange(low, high)) * size / correlation[0]
        if alike.max() > 0.5:  # the shortest lag that is nearly the best: not its multiples
            found.append(rate / (low + int(np.argmax(alike > 0.9 * alike.max()))))
    return float(np.median(found))


def test_they_know_the_languages_that_they_declare() -> None:
    for engine in (speech_engine("espeak"), transcription_engine("pocketsphinx")):
        known = {tag.partition("-")[0] for tag in engine.capabilities.languages}
        assert set(engine.languages) == known


def test_espeak_has_the_length_of_speech() -> None:
    engine = speech_engine("espeak")
    normal, _ = spoken(engine, call(engine, TEXT))
    fast, _ = spoken(engine, call(engine, TEXT, speed=2.0))
    slow, _ = spoken(engine, call(engine, TEXT, options={"rate": 90}))
    assert 2.5 < len(normal) / 22_050 < 5
    assert 0.4 < len(fast) / len(normal) < 0.65
    assert 1.5 < len(slow) / len(normal) < 2.5


def test_espeak_takes_pitch_and_volume() -> None:
    engine = speech_engine("espeak")

    def say(**options: int) -> Samples:
        return spoken(engine, call(engine, TEXT, options=options))[0]

    assert pitch(say(pitch=90), 22_050) > 1.2 * pitch(say(pitch=20), 22_050)
    loud, quiet = (np.abs(say(volume=v).astype(float)).mean() for v in (150, 50))
    assert loud > 2 * quiet


def test_espeak_variants_are_other_speakers() -> None:
    engine = speech_engine("espeak")
    plain, _ = spoken(engine, call(engine, TEXT))
    female, _ = spoken(engine, call(engine, TEXT, options={"variant": "f3"}))
    assert pitch(female, 22_050) > 1.2 * pitch(plain, 22_050)


@pytest.mark.parametrize(
    ("language", "text", "at"),
    [
        ("en-us", TEXT, [0, 4, 8, 14, 19, 24, 28, 34, 40, 45]),
        ("de", "Grüße aus Köln, 25 Euro.", [0, 6, 10, 16, 19]),
        ("ru", "Привет, мир", [0, 8]),
        ("ar", "مرحبا بالعالم", [0, 6]),
    ],
)
def test_espeak_tells_where_words_are(language: str, text: str, at: list[int]) -> None:
    engine = speech_engine("espeak")
    audio, told = spoken(engine, call(engine, text, language=language))
    assert [word.at for word in told] == at
    starts = [round(word.start * 22_050) for word in told] + [len(audio)]
    for start, end in pairwise(starts):  # there is sound in every word
        assert end - start > 0.03 * 22_050
        assert np.abs(audio[start:end].astype(float)).max() > 1_000


def test_every_voice_of_espeak_says_something() -> None:
    engine = speech_engine("espeak")
    silent = [
        voice.id
        for voice in engine.capabilities.voices
        if len(spoken(engine, call(engine, "a 12 b", voice=voice.id))[0]) < 0.2 * 22_050
    ]
    assert len(engine.capabilities.voices) > 100
    assert silent == []


def test_espeak_reads_no_markup() -> None:
    engine = speech_engine("espeak")
    marked, _ = spoken(engine, call(engine, "<prosody rate='x-slow'>hello</prosody>"))
    phonemes, _ = spoken(engine, call(engine, "[[h@l'oU]]"))
    plain, _ = spoken(engine, call(engine, "hello"))
    assert len(marked) > 2 * len(plain)  # the marks are read out
    assert len(phonemes) > 1.2 * len(plain)


def heard(samples: Samples, rate: int) -> tuple[str, list[tuple[float, float]]]:
    engine = transcription_engine("pocketsphinx")
    at_rate = soxr.resample(samples, rate, 16_000)
    found = [t for t in engine.transcribe(hearing(engine, at_rate)) if t is not None]
    told = [word for transcript in found for word in transcript.words]
    for word in told:
        assert word.confidence is not None
        assert 0 <= word.confidence <= 1
    assert len({word.confidence for word in told}) > 1 or len(told) < 2
    return " ".join(t.text for t in found), [(w.start, w.end or 0.0) for w in told]


def test_pocketsphinx_hears_a_recording(recording: Path) -> None:
    samples, rate = decoded(recording.read_bytes())
    text, times = heard(samples, rate)
    assert word_errors(words(JFK), words(text)) <= 0.45 * len(words(JFK)), text
    assert times == sorted(times)
    assert 0 <= times[0][0] < times[-1][1] <= len(samples) / rate + 0.1
