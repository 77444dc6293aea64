"""The models: each does its work once, since files that are there prove nothing."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import httpx2

from stentor.app import Stentor
from stentor.audio.wav import wav_header
from stentor.cli.checks.finding import Finding
from stentor.cli.checks.trial import Candidate, Trial
from stentor.cli.client import LISTENS, SPEAKS, Summary
from stentor.cli.failure import described
from stentor.errors import StentorError
from stentor.types import SpeechRequest, TranscriptionRequest
from stentor_engine import REFERENCE_RATE

TEXT = "One, two, three, four, five."
RATE = REFERENCE_RATE
FAILURES = (StentorError, httpx2.HTTPError)


@dataclass(frozen=True)
class _Spoken:
    pcm: bytes
    words: int


async def models(trial: Trial, stentor: Stentor) -> AsyncIterator[Finding]:
    try:
        candidates = await trial.candidates()
    except FAILURES as error:
        yield Finding("note", "models", f"not tried, since the server does not tell: {error}")
        return
    for name in (SPEAKS, LISTENS):
        yield _alias(name, candidates, stentor)
    spoken: dict[str, bytes] = {}
    others = []
    for each in sorted(candidates, key=lambda candidate: SPEAKS not in _names(candidate)):
        if each.why_not:
            yield Finding("note", each.name, f"not tried: {each.why_not}", each.advice)
            continue
        try:
            loaded = await trial.load(each.name)
            if loaded.task != "speech":
                others.append((each.name, loaded.task))
                continue
            said = await _say(trial, each.name, words=loaded.word_times)
            voices = len(await trial.client.voices(each.name))
        except FAILURES as error:
            yield _broken(each.name, error)
            continue
        spoken[each.name] = said.pcm
        told = f", {said.words} words in time" if said.words else ""
        seconds = len(said.pcm) / 2 / RATE
        what = f"speaks ({seconds:.1f} s{told}), {voices} voice{'s' * (voices != 1)}"
        yield Finding("ok", each.name, what)
    for name, task in others:
        try:
            yield await (_hear if task == "transcription" else _convert)(trial, name, spoken)
        except FAILURES as error:
            yield _broken(name, error)


def _names(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.name, *candidate.aliases)


def _alias(name: str, candidates: Sequence[Candidate], stentor: Stentor) -> Finding:
    model = next((each for each in candidates if name in _names(each)), None)
    if model is None:
        advice = f'give it to one of your models: aliases = ["{name}"]'
        return Finding("note", name, "means no model: name one with --model", advice)
    others = [alias for alias in model.aliases if alias != name]
    also = f", as {', '.join(others)}" if others else ""
    spoken = stentor.spoken(model.name)
    what = f"means {model.name}{also}" + (f"; {spoken}" if spoken else "")
    return Finding("note" if spoken and spoken.lacking else "ok", name, what)


async def _say(trial: Trial, model: str, *, words: bool) -> _Spoken:
    request = SpeechRequest(model, TEXT, format="pcm", sample_rate=RATE, timestamps=words)
    pcm, count = bytearray(), 0
    async with aclosing(trial.client.speak(request)) as pieces:
        async for piece in pieces:
            pcm += piece.audio
            count += len(piece.words)
    return _Spoken(bytes(pcm), count)


async def _hear(trial: Trial, model: str, spoken: dict[str, bytes]) -> Finding:
    """What the first of the speaking models said."""
    if not spoken:
        return Finding("note", model, "loads; there is nothing spoken that it could hear")
    speaker, pcm = next(iter(spoken.items()))
    request = TranscriptionRequest(model, words="possible")
    heard = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spoken.wav"
        file.write_bytes(wav_header(RATE, len(pcm) // 2) + pcm)
        async with aclosing(trial.client.transcribe(request, file, times=False)) as segments:
            async for segment in segments:
                if not isinstance(segment, Summary):
                    heard.append(segment)
    text = " ".join(segment.text.strip() for segment in heard)
    words = sum(len(segment.words) for segment in heard)
    told = f", {words} words in time" if words else ""
    if not text:
        return Finding("note", model, f"listens, and heard nothing of what {speaker} said")
    return Finding("ok", model, f"listens; of {speaker}'s '{TEXT}' it heard '{text}'{told}")


async def _convert(trial: Trial, model: str, spoken: dict[str, bytes]) -> Finding:
    """What the first of the speaking models said."""
    if not spoken:
        return Finding("note", model, "loads; there is nothing spoken that it could convert")
    speaker, pcm = next(iter(spoken.items()))
    seconds = await trial.convert(model, pcm)
    if seconds is None:
        return Finding("ok", model, "loads; no route of the server lets it do more")
    if not seconds:
        return Finding("note", model, f"converts, and made nothing of what {speaker} said")
    return Finding("ok", model, f"converts; of what {speaker} said it made {seconds:.1f} s")


def _broken(model: str, error: Exception) -> Finding:
    advice = "`stentor serve` with STENTOR_SERVER__LOG_LEVEL=debug shows what its engine says"
    return Finding("bad", model, described(error), advice)


def better(stentor: Stentor) -> Iterator[Finding]:
    """What would suit the machine and is not here."""
    for choice in stentor.better():
        advice = f"stentor models pull {choice.name}; or stentor setup, which asks about all"
        yield Finding("note", choice.name, f"would be better: {choice.why}", advice)
