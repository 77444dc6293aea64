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
from stentor_engine import REFERENCE_RATE, ConversionCall, Reference
from stentor_engine.references import reference_id, samples_of

TEXT = "One, two, three, four, five."
RATE = REFERENCE_RATE


@dataclass(frozen=True)
class _Spoken:
    pcm: bytes
    words: int


async def models(stentor: Stentor) -> AsyncIterator[Finding]:
    for name in (SPEAKS, LISTENS):
        yield _alias(stentor, name)
    spoken: dict[str, bytes] = {}
    others = []
    for model in sorted(stentor.models, key=lambda m: m is not stentor.models.by_name.get(SPEAKS)):
        try:
            capabilities = await model.capabilities()
            if capabilities.task != "speech":
                others.append(model)
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
    for model in others:
        use = _hear if model.task == "transcription" else _convert
        yield await use(stentor, model, spoken)
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


async def _convert(stentor: Stentor, model: Model, spoken: dict[str, bytes]) -> Finding:
    """What the first of the speaking models said."""
    if not spoken:
        return Finding("note", model.name, "loads; there is nothing spoken that it could convert")
    speaker, pcm = next(iter(spoken.items()))
    seconds = 0.0
    try:
        voices = (await model.capabilities()).voices
        recording = None if voices else Reference(reference_id(pcm), samples_of(pcm))
        call = ConversionCall(samples_of(pcm), reference=recording)
        with model.scheduler.admit() as admission:
            async with admission.lease() as backend, aclosing(backend.convert(call)) as chunks:
                async for chunk in chunks:
                    seconds += len(chunk.samples) / chunk.rate
    except StentorError as error:
        return _broken(model, error)
    if not seconds:
        return Finding("note", model.name, f"converts, and made nothing of what {speaker} said")
    return Finding("ok", model.name, f"converts; of what {speaker} said it made {seconds:.1f} s")


def _broken(model: Model, error: StentorError) -> Finding:
    advice = "`stentor serve` with STENTOR_SERVER__LOG_LEVEL=debug shows what its engine says"
    return Finding("bad", model.name, str(error), advice)


def better(stentor: Stentor) -> Iterator[Finding]:
    """What would suit the machine and is not here."""
    for choice in stentor.better():
        advice = f"stentor models pull {choice.name}; or stentor setup, which asks about all"
        yield Finding("note", choice.name, f"would be better: {choice.why}", advice)
