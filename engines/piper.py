# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "onnx==1.23.2", "piper-tts==1.8.0", "soxr==1.1.0"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Piper: quick voices in forty languages, each a file of its own. Licensed under the GPL-3."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

# Before ONNX Runtime is imported: it would tell its makers what runs, and leave a file behind.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as rt
import soxr
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig
from piper.config import PhonemeType
from piper.const import BOS, PAD

from stentor_engine import (
    Capabilities,
    InvalidCall,
    LoadFailed,
    Option,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Voice,
    Weights,
    Word,
    speakable,
)
from stentor_engine.onnx import Stop, draws
from stentor_engine.word_times import groups, place, timed

DEFAULT = "en_US-lessac-medium"
"""Of several voices the first one."""
KEPT = 4
"""Models in memory at once, of 60 to 120 MB each."""
READ = (PhonemeType.ESPEAK, PhonemeType.TEXT, PhonemeType.HEBREW)
"""For the others the package wants more packages, or downloads what it reads them with."""
SILENT = 1e-8
"""A peak that is none."""

HUB = "rhasspy/piper-voices"
MANY = (
    *("*/en_US/lessac/medium/*[!3]", "*/ar_JO/kareem/medium/*[!3]"),
    *("*/cs_CZ/jirka/medium/*[!3]", "*/da_DK/talesyntese/medium/*[!3]"),
    *("*/de_DE/thorsten/medium/*[!3]", "*/es_ES/davefx/medium/*[!3]"),
    *("*/fi_FI/harri/medium/*[!3]", "*/fr_FR/siwis/medium/*[!3]"),
    *("*/it_IT/paola/medium/*[!3]", "*/nl_BE/nathalie/medium/*[!3]"),
    *("*/no_NO/talesyntese/medium/*[!3]", "*/pl_PL/gosia/medium/*[!3]"),
    *("*/pt_BR/faber/medium/*[!3]", "*/ru_RU/irina/medium/*[!3]"),
    *("*/sv_SE/nst/medium/*[!3]", "*/tr_TR/dfki/medium/*[!3]"),
    *("*/uk_UA/ukrainian_tts/medium/*[!3]", "*/zh_CN/huayan/medium/*[!3]"),
)
"""One voice for each language."""
MANY_LANGUAGES = (
    *("en", "ar", "cs", "da", "de", "es", "fi", "fr", "it"),
    *("nl", "no", "pl", "pt", "ru", "sv", "tr", "uk", "zh"),
)


@dataclass(frozen=True)
class Source:
    """A voice's model: what its `.onnx.json` says."""

    file: Path
    rate: int
    language: str
    speakers: Mapping[str, int]

    @property
    def name(self) -> str:
        return self.file.stem


class Speaker(NamedTuple):
    source: Source
    number: int | None = None
    """Of a model with several; None: its default one."""


class Piper(SpeechEngine):
    name = "piper"
    quality = 40
    languages: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "en_US-lessac-medium": ("en",),
        "en_US-lessac-high": ("en",),
        "en_US-hfc_female-medium": ("en",),
        "en_US-libritts_r-medium": ("en",),
        "en_US-ljspeech-high": ("en",),
        "en_GB-alan-medium": ("en",),
        "en_GB-alba-medium": ("en",),
        "ar_JO-kareem-medium": ("ar",),
        "cs_CZ-jirka-medium": ("cs",),
        "da_DK-talesyntese-medium": ("da",),
        "de_DE-thorsten-medium": ("de",),
        "de_DE-thorsten-high": ("de",),
        "es_ES-davefx-medium": ("es",),
        "es_MX-claude-high": ("es",),
        "fi_FI-harri-medium": ("fi",),
        "fr_FR-siwis-medium": ("fr",),
        "it_IT-paola-medium": ("it",),
        "nl_BE-nathalie-medium": ("nl",),
        "no_NO-talesyntese-medium": ("no",),
        "pl_PL-gosia-medium": ("pl",),
        "pt_BR-faber-medium": ("pt",),
        "ru_RU-irina-medium": ("ru",),
        "sv_SE-nst-medium": ("sv",),
        "tr_TR-dfki-medium": ("tr",),
        "uk_UA-ukrainian_tts-medium": ("uk",),
        "zh_CN-huayan-medium": ("zh",),
        "many": MANY_LANGUAGES,
    }
    memory_mb = 300
    # Names are paths there. All of a voice's folder, with its licence, but for samples in MP3.
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "en_US-lessac-medium": (Weights(HUB, files=("*/en_US/lessac/medium/*[!3]",)),),
        "en_US-lessac-high": (Weights(HUB, files=("*/en_US/lessac/high/*[!3]",)),),
        "en_US-hfc_female-medium": (Weights(HUB, files=("*/en_US/hfc_female/medium/*[!3]",)),),
        "en_US-libritts_r-medium": (Weights(HUB, files=("*/en_US/libritts_r/medium/*[!3]",)),),
        "en_US-ljspeech-high": (Weights(HUB, files=("*/en_US/ljspeech/high/*[!3]",)),),
        "en_GB-alan-medium": (Weights(HUB, files=("*/en_GB/alan/medium/*[!3]",)),),
        "en_GB-alba-medium": (Weights(HUB, files=("*/en_GB/alba/medium/*[!3]",)),),
        "ar_JO-kareem-medium": (Weights(HUB, files=("*/ar_JO/kareem/medium/*[!3]",)),),
        "cs_CZ-jirka-medium": (Weights(HUB, files=("*/cs_CZ/jirka/medium/*[!3]",)),),
        "da_DK-talesyntese-medium": (Weights(HUB, files=("*/da_DK/talesyntese/medium/*[!3]",)),),
        "de_DE-thorsten-medium": (Weights(HUB, files=("*/de_DE/thorsten/medium/*[!3]",)),),
        "de_DE-thorsten-high": (Weights(HUB, files=("*/de_DE/thorsten/high/*[!3]",)),),
        "es_ES-davefx-medium": (Weights(HUB, files=("*/es_ES/davefx/medium/*[!3]",)),),
        "es_MX-claude-high": (Weights(HUB, files=("*/es_MX/claude/high/*[!3]",)),),
        "fi_FI-harri-medium": (Weights(HUB, files=("*/fi_FI/harri/medium/*[!3]",)),),
        "fr_FR-siwis-medium": (Weights(HUB, files=("*/fr_FR/siwis/medium/*[!3]",)),),
        "it_IT-paola-medium": (Weights(HUB, files=("*/it_IT/paola/medium/*[!3]",)),),
        "nl_BE-nathalie-medium": (Weights(HUB, files=("*/nl_BE/nathalie/medium/*[!3]",)),),
        "no_NO-talesyntese-medium": (Weights(HUB, files=("*/no_NO/talesyntese/medium/*[!3]",)),),
        "pl_PL-gosia-medium": (Weights(HUB, files=("*/pl_PL/gosia/medium/*[!3]",)),),
        "pt_BR-faber-medium": (Weights(HUB, files=("*/pt_BR/faber/medium/*[!3]",)),),
        "ru_RU-irina-medium": (Weights(HUB, files=("*/ru_RU/irina/medium/*[!3]",)),),
        "sv_SE-nst-medium": (Weights(HUB, files=("*/sv_SE/nst/medium/*[!3]",)),),
        "tr_TR-dfki-medium": (Weights(HUB, files=("*/tr_TR/dfki/medium/*[!3]",)),),
        "uk_UA-ukrainian_tts-medium": (
            Weights(HUB, files=("*/uk_UA/ukrainian_tts/medium/*[!3]",)),
        ),
        "zh_CN-huayan-medium": (Weights(HUB, files=("*/zh_CN/huayan/medium/*[!3]",)),),
        "many": (Weights(HUB, files=MANY),),
    }

    def __init__(self, settings: Settings) -> None:
        sources = [_source(file) for file in _files(settings.weights)]
        self._cuda, self._stop = _on_cuda(settings.device), Stop()
        self._models: OrderedDict[Path, PiperVoice] = OrderedDict()
        self._speakers = {name: each for source in sources for name, each in _speakers(source)}
        first = self._model(sources[0])
        # One rate for all: the best one's, so that no voice loses anything.
        self._rate = max(source.rate for source in sources)
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=self._rate,
            languages=tuple(dict.fromkeys(source.language for source in sources)),
            voices=tuple(
                Voice(name, name.replace("_", " "), (speaker.source.language,))
                for name, speaker in self._speakers.items()
            ),
            options=tuple(_options()),
            streaming=True,
            word_times=len(first.session.get_outputs()) > 1,
            deterministic=not self._cuda and not any(draws(source.file) for source in sources),
            speed=(0.25, 4.0),
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        speaker = self._speaker(call)
        model, rate = self._model(speaker.source), speaker.source.rate
        text = speakable(call.text, model.config.espeak_voice)
        sentences = [each for each in model.phonemize(text) if groups(each)]
        sizes = [group.end - group.first for each in sentences for group in groups(each)]
        placed = place(call.text, sizes)
        settings = _synthesis(call, speaker, model)
        samples = before = 0
        for phonemes in sentences:
            work = partial(
                model.phoneme_ids_to_audio, model.phonemes_to_ids(phonemes), settings, True
            )
            audio, lengths = yield from self._stop.stoppable(work)
            heard, begin = groups(phonemes), samples / self._rate
            edges = [begin + edge / rate for edge in _edges(model, phonemes, lengths, audio.size)]
            if self.capabilities.word_times:
                spans = [(edges[group.first], edges[group.end]) for group in heard]
                yield from timed(placed, before, spans)
            piece = self._finished(np.atleast_1d(audio), call, rate)
            before += len(heard)
            samples += len(piece)
            yield piece

    def _speaker(self, call: SpeechCall) -> Speaker:
        voice = call.voice or next(iter(self._speakers))
        if voice not in self._speakers:
            raise InvalidCall(f"no voice '{voice}'")
        return self._speakers[voice]

    def _model(self, source: Source) -> PiperVoice:
        """Loaded when its voice is first asked for; the one unused for longest makes room."""
        model = self._models.pop(source.file, None) or _load(source, self._cuda, self._stop)
        self._models[source.file] = model
        if len(self._models) > KEPT:
            self._models.popitem(last=False)
        return model

    def _finished(self, audio: NDArray[np.float32], call: SpeechCall, rate: int) -> Samples:
        peak = float(np.max(np.abs(audio), initial=0.0))
        if call.options["normalize_audio"] and peak > SILENT:
            audio = audio / peak
        audio = np.clip(audio * float(call.options["volume"]), -1.0, 1.0).astype(np.float32)
        if rate != self._rate:
            audio = np.clip(soxr.resample(audio, rate, self._rate), -1.0, 1.0)
        return np.ascontiguousarray(audio, np.float32)


def _edges(model: PiperVoice, phonemes: Sequence[str], lengths: Any, samples: int) -> list[float]:
    """Samples of the sentence's audio before each of its phonemes, and before its end. `lengths`:
    of each of its ids, as the model tells them; None: they are taken to be equally long.
    """
    ids, pads = model.config.phoneme_id_map, len(model.config.phoneme_id_map.get(PAD, ()))
    counts = [len(ids[each]) + pads if each in ids else 0 for each in phonemes]
    at = np.cumsum([len(ids.get(BOS, ())) + pads, *counts])
    known = lengths is not None and np.size(lengths) > at[-1]
    ends = np.cumsum([0, *np.ravel(lengths)]) if known else np.linspace(0, samples, at[-1] + 2)
    return [float(ends[each]) for each in at]


def _load(source: Source, use_cuda: bool, stop: Stop) -> PiperVoice:
    try:
        # Most voices do not tell how long a phoneme lasts: that output is added in memory.
        model = PiperVoice.load(source.file, use_cuda=use_cuda, include_alignments=True)
    except Exception as error:
        raise LoadFailed(f"{source.file.name} cannot be loaded: {error}") from error
    if (kind := model.config.phoneme_type) not in READ:
        raise LoadFailed(f"{source.file.name} cannot be used: it is read as {kind.value}")
    if use_cuda and "CUDAExecutionProvider" not in model.session.get_providers():
        raise LoadFailed("device 'cuda' cannot be used: ONNX Runtime does not start it")
    model.session = stop.session(model.session)
    return model


def _on_cuda(device: str) -> bool:
    available = "CUDAExecutionProvider" in rt.get_available_providers()
    if device not in ("auto", "cpu", "cuda", "cuda:0") or ("cuda" in device and not available):
        raise LoadFailed(
            f"device '{device}' cannot be used: Piper knows cpu, and cuda where its "
            "ONNX Runtime has it"
        )
    return device != "cpu" and available


def _files(weights: str | None) -> list[Path]:
    """One voice's file, or those of a folder."""
    path = Path(weights or "").expanduser()
    if weights and path.is_file():
        return [path]
    found = [*path.glob("*.onnx")] or [*path.rglob("*.onnx")] if weights else []
    if not found:
        raise LoadFailed(f"no `.onnx` voice in '{weights or ''}': stentor models pull")
    return sorted(found, key=lambda file: (file.stem != DEFAULT, file.stem))


def _source(file: Path) -> Source:
    try:
        config = json.loads(Path(f"{file}.json").read_text(encoding="utf-8"))
        language = config.get("language", {}).get("code") or config["espeak"]["voice"]
        several = config["num_speakers"] > 1
        speakers = config.get("speaker_id_map", {}) if several else {}
        return Source(file, int(config["audio"]["sample_rate"]), _tag(language), speakers)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadFailed(f"{file.name}.json cannot be read: {error!r}") from error


def _tag(language: str) -> str:
    """`en_US` and `en-us` are en-US."""
    primary, _, region = language.replace("_", "-").partition("-")
    return f"{primary.lower()}-{region.upper()}" if len(region) == 2 else primary.lower()


def _speakers(source: Source) -> Iterator[tuple[str, Speaker]]:
    yield source.name, Speaker(source)
    for name, number in source.speakers.items():
        yield f"{source.name}:{name}", Speaker(source, number)


def _synthesis(call: SpeechCall, speaker: Speaker, model: PiperVoice) -> SynthesisConfig:
    noise, width = float(call.options["noise_scale"]), float(call.options["noise_w"])
    return SynthesisConfig(
        speaker_id=speaker.number,
        length_scale=model.config.length_scale / call.speed,
        noise_scale=noise if noise >= 0 else None,
        noise_w_scale=width if width >= 0 else None,
    )


def _options() -> Iterator[Option]:
    yield Option(
        "noise_scale", "number", -1.0, "variation of the tone; below 0: the voice's own", -1, 2
    )
    yield Option(
        "noise_w", "number", -1.0, "variation of the rhythm; below 0: the voice's own", -1, 2
    )
    yield Option("normalize_audio", "boolean", True, "each sentence as loud as it can be")
    yield Option("volume", "number", 1.0, "loudness, times that", 0, 2)
