"""What every engine must do: those that install gigabytes, or take minutes."""

from __future__ import annotations

import pytest

from tests.contract.suite import ConversionSuite, TranscriptionSuite
from tests.engines.contract import SpeechSuite, engine, start

__all__ = ["engine", "start"]

SPEECH = (
    *("pocket-tts", "xtts-v2", "vibevoice", "higgs", "zonos"),
    *("chatterbox", "chatterbox-turbo", "chatterbox-multilingual"),
)
HEARING = ("whisper", "whisper-cpp", "moonshine", "moonshine-streaming")


@pytest.mark.parametrize("name", SPEECH, scope="module")
class TestSpeech(SpeechSuite):
    pass


@pytest.mark.parametrize("name", HEARING, scope="module")
class TestTranscription(TranscriptionSuite):
    pass


@pytest.mark.parametrize("name", ["chatterbox-vc"], scope="module")
class TestConversion(ConversionSuite):
    pass
