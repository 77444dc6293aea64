"""The models: each does its work once, since files that are there prove nothing."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from stentor.app import Stentor
from stentor.audio.wav import wav_header
from stentor.cli.checks.finding import Finding
from stentor.cli.checks.machine import memory_gib, nvidia_gpus
from stentor.cli.client import LISTENS, SPEAKS
from stentor.config import Config
from stentor.errors import StentorError
from stentor.lifecycle.catalog import bundled_engines, declared, find_engines
from stentor.routing.models import Model
from stentor.types import SpeechRequest, TranscriptionRequest

TEXT = "One, two, three, four, five."
RATE = 24_000
PLAIN = 20
"""The quality up to which an engine is understood, and no more than that."""
WORK = {"speech": "speak", "transcription": "listen"}


@dataclass(frozen=True)
class _Spoken:
    pcm: bytes
    words: int


async def models(config: Config, stentor: Stentor) -> AsyncIterator[Finding]:
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
    for finding in better(config, stentor):
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


def better(config: Config, stentor: Stentor) -> Iterator[Finding]:
    """Engines that are there and not used, and what would suit the machine."""
    engines = find_engines([bundled_engines(), *config.engines.paths])
    used = {backend.engine for model in config.models.values() for backend in model.backends}
    unused = [declared(name, engines) for name in engines if name not in used]
    for task, verb in WORK.items():
        best = max((o.quality for o in stentor.offers if o.task == task), default=0)
        found = [each for each in unused if each.task == task and each.quality > best]
        for each in sorted(found, key=lambda each: -each.quality):
            what = f"an engine that would {verb} better than what is configured"
            section = f"[models.{each.name}]"
            advice = f'in stentor.toml: {section} backends = [{{ engine = "{each.name}" }}]'
            yield Finding("note", each.name, what, advice)
        if best <= PLAIN and not found:
            gpu = max((memory for _, memory in nvidia_gpus()), default=0.0)
            advice = (
                f"{suited(task, gpu, memory_gib() or 0.0)} would suit this machine; an engine file "
                "for it goes into a folder of [engines] paths (docs/guides/writing-an-engine.md)"
            )
            yield Finding("note", task, f"what is here can {verb}, plainly", advice)


def suited(task: str, gpu: float, memory: float) -> str:
    """Models by the GiB of memory that they take, with what is needed to run them."""
    if task == "speech":
        small = "Kokoro" if memory >= 4 else "Piper"
        return "Chatterbox" if gpu >= 6 else small
    if gpu >= 6:
        return "Whisper large-v3-turbo"
    return "Whisper small" if memory >= 4 else "Whisper base"
