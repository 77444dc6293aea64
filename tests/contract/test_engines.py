"""The suites of `suite.py` on the engines of the base install, in this process."""

from __future__ import annotations

import numpy as np
import pytest

from stentor.lifecycle.workers.process import WorkerCommand
from stentor_engine import SpeechEngine
from stentor_engine.host import AnyEngine
from tests.contract.engines import (
    CONVERSION,
    FILES,
    SPEECH,
    TRANSCRIPTION,
    call,
    loaded,
    spoken,
)
from tests.contract.remote import remote
from tests.contract.suite import TEXT, ConversionSuite, SpeechSuite, Start, TranscriptionSuite


@pytest.fixture
def engine(name: str) -> AnyEngine:
    return loaded(name)


@pytest.fixture
def start(name: str) -> Start:
    return lambda: remote(WorkerCommand(name, FILES[name]))


@pytest.mark.parametrize("name", SPEECH)
class TestSpeech(SpeechSuite):
    def test_who_does_not_say_that_equal_calls_are_equal_cannot(self, engine: AnyEngine) -> None:
        """It would be spoken later than it could: see docs/adr/0002."""
        assert isinstance(engine, SpeechEngine)
        before, _ = spoken(engine, call(engine, TEXT))
        spoken(engine, call(engine, "Something else."))
        again, _ = spoken(engine, call(engine, TEXT))
        assert np.array_equal(before, again) == engine.capabilities.deterministic


@pytest.mark.parametrize("name", TRANSCRIPTION)
class TestTranscription(TranscriptionSuite):
    def test_equal_calls_are_equal(self, engine: AnyEngine) -> None:
        assert engine.capabilities.deterministic


@pytest.mark.parametrize("name", CONVERSION)
class TestConversion(ConversionSuite):
    pass
