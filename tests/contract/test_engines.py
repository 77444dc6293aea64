"""The suites of `suite.py` on the engines of the base install, in this process."""

from __future__ import annotations

import pytest

from stentor.lifecycle.process import WorkerCommand
from stentor_engine.host import AnyEngine
from tests.contract.engines import CONVERSION, FILES, SPEECH, TRANSCRIPTION, loaded
from tests.contract.remote import remote
from tests.contract.suite import ConversionSuite, SpeechSuite, Start, TranscriptionSuite


@pytest.fixture
def engine(name: str) -> AnyEngine:
    return loaded(name)


@pytest.fixture
def start(name: str) -> Start:
    return lambda: remote(WorkerCommand(name, FILES[name]))


@pytest.mark.parametrize("name", SPEECH)
class TestSpeech(SpeechSuite):
    pass


@pytest.mark.parametrize("name", TRANSCRIPTION)
class TestTranscription(TranscriptionSuite):
    def test_equal_calls_are_equal(self, engine: AnyEngine) -> None:
        assert engine.capabilities.deterministic


@pytest.mark.parametrize("name", CONVERSION)
class TestConversion(ConversionSuite):
    pass
