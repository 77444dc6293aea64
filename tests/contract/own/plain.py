"""Engines that leave nearly everything to the gateway: a tone, longer for a longer text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stentor_engine import (
    REFERENCE_RATE,
    Capabilities,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
)

RATE = 16_000
CHARACTER = 0.03
"""Seconds of tone for each character."""


class Plain(SpeechEngine):
    """One speed, one voice, no words in time, and it does not read numbers aloud."""

    name = "plain"

    def __init__(self, settings: Settings) -> None:
        self.capabilities = Capabilities("speech", RATE, languages=("en",), deterministic=True)

    def synthesize(self, call: SpeechCall) -> Iterator[Samples]:
        yield tone(300.0, CHARACTER * len(call.text))


class Moody(SpeechEngine):
    """Its tone is higher when it is told how to speak."""

    name = "moody"

    def __init__(self, settings: Settings) -> None:
        self.capabilities = Capabilities("speech", RATE, instructions=True, deterministic=True)

    def synthesize(self, call: SpeechCall) -> Iterator[Samples]:
        yield tone(600.0 if call.instructions else 300.0, CHARACTER * len(call.text))


class Parrot(SpeechEngine):
    """Takes on the pitch of a recording."""

    name = "parrot"

    def __init__(self, settings: Settings) -> None:
        self.capabilities = Capabilities("speech", RATE, reference=(0.5, 5.0), deterministic=True)

    def synthesize(self, call: SpeechCall) -> Iterator[Samples]:
        frequency = 300.0
        if call.reference is not None:
            spectrum = np.abs(np.fft.rfft(call.reference.samples))
            frequency = float(np.argmax(spectrum)) * REFERENCE_RATE / len(call.reference.samples)
        yield tone(frequency, CHARACTER * len(call.text))


def tone(frequency: float, seconds: float) -> Samples:
    phase = np.arange(round(seconds * RATE)) * 2 * np.pi * frequency / RATE
    return (0.3 * np.sin(phase)).astype(np.float32)
