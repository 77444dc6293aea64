"""The models: each does its work once, since files that are there prove nothing."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from stentor.app import Stentor
from stentor.audio.wav import wav_header
from stentor.cli.checks.finding import Finding
from stentor.cli.client import LISTENS, SPEAKS
from stentor.errors import StentorError
from stentor.routing.models import Model
from stentor.types import SpeechRequest, TranscriptionRequest

TEXT = "One, two, three, four, five."
RATE = 24_000


@dataclass(frozen=True)
class _Spoken:
    pcm: bytes
    words: int


async def models(stentor: Stentor) -> AsyncIterator[Finding]:
    for name in (SPEAKS, LISTENS):
        yield _alias(stentor, name)
    spoken: dict[str, bytes] = {}
    ears = []
    for model in sorted(stentor.models, key=lambda m: m is not stentor.models.by_name.get(SPEAKS)):
        try:
            capabilities = await model.capabilities()
            if capabilities.task == "transcription":
                ears.append(model)
                continue
            said = await _say(stentor, model, words=capabilities.word_times)
        except StentorError as error:
            yield _broken(model, error)
            continue
        spoken[model.name] = said.pcm
        voices = len(capabilities.voices)
        told = f", {said.words} words in time" if said.words else ""
        seconds = len(said.pcm) / 2 / RATE
        what = f"speaks ({seconds:.1f} s{told}), {voices} voice{'s' * (voices != 1)}"
        yield Finding("ok", model.name, what)
    for model in ears:
        yield await _hear(stentor, model, spoken)
    for finding in better(stentor):
        yield finding


def _alias(stentor: Stentor, name: str) -> Finding:
    model = stentor.models.by_name.get(name)
    if model is None:
        advice = f'give it to one of your models: aliases = ["{name}"]'
        return Finding("note", name, "means no model: name one with --model", advice)
    others = [alias for alias in model.aliases if alias != name]
    also = f", as {', '.join(others)}" if others else ""
    return Finding("ok", name, f"means {model.name}{also}")


async def _say(stentor: Stentor, model: Model, *, words: bool) -> _Spoken:
    request = SpeechRequest(model.name, TEXT, format="pcm", sample_rate=RATE, timestamps=words)
    pcm, count = bytearray(), 0
    async with aclosing(await stentor.speaker.speak(request)) as speech:
        async for piece in speech.pieces():
            pcm += piece.audio
            count += len(piece.words)
    return _Spoken(bytes(pcm), count)


async def _hear(stentor: Stentor, model: Model, spoken: dict[str, bytes]) -> Finding:
    """What the first of the speaking models said."""
    if not spoken:
        return Finding("note", model.name, "loads; there is nothing spoken that it could hear")
    speaker, pcm = next(iter(spoken.items()))
    file = io.BytesIO(wav_header(RATE, len(pcm) // 2) + pcm)
    request = TranscriptionRequest(model.name, words="possible")
    try:
        heard = []
        async with aclosing(await stentor.listener.listen(request, file)) as transcription:
            async for segment in transcription.segments():
                heard.append(segment)
    except StentorError as error:
        return _broken(model, error)
    text = " ".join(segment.text.strip() for segment in heard)
    words = sum(len(segment.words) for segment in heard)
    told = f", {words} words in time" if words else ""
    if not text:
        return Finding("note", model.name, f"listens, and heard nothing of what {speaker} said")
    return Finding("ok", model.name, f"listens; of {speaker}'s '{TEXT}' it heard '{text}'{told}")


def _broken(model: Model, error: StentorError) -> Finding:
    advice = "`stentor serve` with STENTOR_SERVER__LOG_LEVEL=debug shows what its engine says"
    return Finding("bad", model.name, str(error), advice)


def better(stentor: Stentor) -> Iterator[Finding]:
    """What would suit the machine and is not here."""
    for choice in stentor.better():
        advice = f"stentor models pull {choice.name}; or stentor setup, which asks about all"
        yield Finding("note", choice.name, f"would be better: {choice.why}", advice)
