"""What every engine must do: those without PyTorch."""

from __future__ import annotations

import pytest

from tests.contract.suite import TranscriptionSuite
from tests.engines.contract import SpeechSuite, engine, start

__all__ = ["engine", "start"]


@pytest.mark.parametrize("name", ["kokoro", "piper"], scope="module")
class TestSpeech(SpeechSuite):
    pass


@pytest.mark.parametrize("name", ["faster-whisper", "parakeet"], scope="module")
class TestTranscription(TranscriptionSuite):
    pass
