# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy"]
# ///
"""Speaks letters and digits as Morse code."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stentor_engine import (
    Capabilities,
    Option,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Voice,
    Word,
)

RATE = 24_000
PITCHES = {"high": 800.0, "low": 400.0}
LETTERS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- "
    "-..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."
)
SIGNS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", LETTERS.split(), strict=True))


class Morse(SpeechEngine):
    name = "morse"

    def __init__(self, settings: Settings) -> None:
        # A real engine loads its model here: settings.weights, on settings.device.
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=RATE,
            voices=tuple(Voice(name, name.title()) for name in PITCHES),
            options=(Option("wpm", "integer", 20, "words per minute", 5, 60),),
            streaming=True,
            word_times=True,
            deterministic=True,
            normalises=True,
            speed=(0.25, 4.0),
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        unit = 1.2 / (float(call.options["wpm"]) * call.speed)  # seconds: PARIS is 50 units
        pitch = PITCHES[call.voice or "high"]
        samples = at = 0
        for word in call.text.split():
            at = call.text.index(word, at)
            yield Word(word, samples / RATE, at=at)
            for character in word.upper():
                for piece in (*tones(character, unit, pitch), silence(2 * unit)):
                    samples += len(piece)
                    yield piece  # at every yield the call can be stopped
            gap = silence(4 * unit)
            samples += len(gap)
            yield gap
            at += len(word)


def tones(character: str, unit: float, pitch: float) -> Iterator[Samples]:
    for sign in SIGNS.get(character, ""):
        yield tone(3 * unit if sign == "-" else unit, pitch)
        yield silence(unit)


def tone(seconds: float, pitch: float) -> Samples:
    """Mono float32 within [-1, 1]."""
    time = np.arange(round(seconds * RATE)) / RATE
    edge = np.clip(np.minimum(time, time[::-1]) / 0.005, 0, 1)  # of 5 ms, or it would click
    sound: Samples = (0.5 * edge * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
    return sound


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)
