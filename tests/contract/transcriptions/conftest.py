"""One server whose `echo-transcribe` makes answers exact, and speech for it to hear."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import openai
import pytest

from tests.audio import Samples, wav
from tests.contract.transcriptions.requests import RATE
from tests.servers import Server
from tests.unit.audio.voices import espeak

CONFIG = """
[models.plain]
backends = [{ engine = "echo-transcribe" }]
[models.scripted]
[[models.scripted.backends]]
engine = "echo-transcribe"
options = { script = "Hello there, you.\\nAnd goodbye!" }
[models.polyglot]
[[models.polyglot.backends]]
engine = "echo-transcribe"
[models.polyglot.backends.options]
script = "task {task} language {language} prompt {prompt} words {words}"
language = "de"
translates = true
prompts = true
figures = true
[models.wordless]
backends = [{ engine = "echo-transcribe", options = { script = "No times.", hears_words = false } }]
"""


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    with Server(CONFIG, STENTOR_SERVER__MAX_AUDIO_DURATION="60s") as running:
        yield running


@pytest.fixture(scope="package")
def client(server: Server) -> openai.OpenAI:
    return server.client()


@pytest.fixture(scope="package")
def speech() -> Samples:
    return espeak("The old man walked slowly to the harbour.", RATE)


@pytest.fixture(scope="package")
def audio(speech: Samples) -> bytes:
    return wav(speech, RATE)


@pytest.fixture(scope="package")
def counting() -> Samples:
    """Four sentences, a second and a half of silence between them."""
    silence = np.zeros(RATE * 3 // 2, np.int16)
    texts = ("One red apple.", "Two green pears.", "Three old friends.", "Four long years.")
    return np.concatenate([part for text in texts for part in (espeak(text, RATE), silence)])
