# /// script
# requires-python = ">=3.10,<3.13"
# dependencies = [
#     "numpy",
#     "coqui-tts[ja]==0.28.0",
#     "pypinyin>=0.55",
#     "torch==2.8.0",
#     "torchaudio==2.8.0",
#     "transformers==4.57.6",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""XTTS v2: takes on any voice from a few seconds of it, in 17 languages, and streams.

The package names no PyTorch. From 2.9 on it would want torchcodec too, for files that are not read
here. Chinese is read with pypinyin, Japanese with cutlet, of which a part has no wheels for Python
3.13.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

# Before the packages are imported: nothing is to be downloaded or told.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

# Threads that wait busily for one another, as is PyTorch's way, take five times as long where other
# programs compute too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import torchaudio
from numpy.typing import NDArray
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.models.xtts import Xtts, _legacy_safe_globals

from stentor_engine import (
    REFERENCE_RATE,
    Capabilities,
    EngineError,
    InvalidCall,
    LoadFailed,
    Option,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Voice,
    Weights,
)
from stentor_engine.kept import Kept
from stentor_engine.loading import loaded
from stentor_engine.pytorch import discard_torch_folder, torch_device, within_memory
from stentor_engine.weight_files import weights_folder

NEEDED = ("config.json", "model.pth", "vocab.json")
SPEAKERS = "speakers_xtts.pth"
MOST = 250
"""Characters of a call: what English may have. Of other languages' texts, which may have fewer, it
makes pieces."""
BREAKS = (r"[.!?…。！？।؟]+[\"'»”’)\]]*\s*", r"[,;:、，；：،؛–—]\s*", r"\s+")
"""Where a text may be cut: behind a sentence, behind a part of one, between words."""


class Latents(NamedTuple):
    """A voice: (1, n, channels) and (1, channels, 1), on the CPU."""

    gpt: Any
    speaker: Any

    @property
    def nbytes(self) -> int:
        return int(self.gpt.nbytes + self.speaker.nbytes)


class XttsV2(SpeechEngine):
    name = "xtts-v2"
    quality = 68
    languages = (
        *("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh", "hu"),
        *("ko", "ja", "hi"),
    )
    devices = ("cuda", "cpu")
    memory_mb = 3_500
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "xtts-v2": (
            Weights(
                hub="coqui/XTTS-v2",
                files=("config.json", "model.pth", "vocab.json", "speakers_xtts.pth"),
                licence="Coqui Public Model License 1.0.0, non-commercial: https://coqui.ai/cpml",
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        discard_torch_folder()
        folder = weights_folder(settings.weights, NEEDED)
        device = torch_device(settings.device, self.devices)
        self._config = _config(folder / "config.json")
        self._model = _model(folder, self._config, device)
        self._end = End(self._model.gpt)
        self._voices = _voices(self._model.speaker_manager)
        self._kept: Kept[Latents] = Kept(lambda latents: latents.nbytes)
        limits = self._model.tokenizer.char_limits
        codes = [code for code in self._config.languages if code.partition("-")[0] in limits]
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=self._config.model_args.output_sample_rate,
            languages=tuple(code.partition("-")[0] for code in codes),
            voices=tuple(Voice(name, name) for name in self._voices),
            options=_options(self._config),
            streaming=True,
            # Proven for the CPU; a GPU's sums may differ in their last bits.
            deterministic=device == "cpu",
            speed=(0.5, 2.0),
            reference=(1.0, float(self._config.max_ref_len)),
            max_chars=MOST,
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | None]:
        latents = within_memory(lambda: self._latents(call))
        yield None
        language = _language(call.language, self.capabilities.languages)
        torch.manual_seed(call.seed)
        for piece in pieces(call.text, lambda text: self._fits(text, language)):
            if any(map(str.isalnum, piece)):  # of nothing it would make up something
                yield from self._spoken(piece, language, latents, call)

    def _spoken(
        self, text: str, language: str, latents: Latents, call: SpeechCall
    ) -> Iterator[Samples]:
        stream = self._model.inference_stream(
            text,
            language,
            latents.gpt,
            latents.speaker,
            speed=call.speed,
            **call.options,
        )
        while (audio := within_memory(lambda: next(stream, None))) is not None:
            yield _samples(audio)
        if not self._end.reached:
            raise EngineError("the model did not come to an end of the text")

    def _latents(self, call: SpeechCall) -> Latents:
        if (reference := call.reference) is not None:
            return self._kept.get(reference.id, lambda: self._computed(reference.samples))
        if not self._voices:
            raise InvalidCall("this model has no voice of its own: it needs a recording")
        voice = call.voice or next(iter(self._voices))
        if voice not in self._voices:
            raise InvalidCall(f"no voice '{voice}'")
        return self._voices[voice]

    def _computed(self, samples: NDArray[np.float32]) -> Latents:
        """As the package does it with a file, with what the model's configuration says."""
        config, rate = self._config, self._config.model_args.input_sample_rate
        heard = torch.from_numpy(samples[: config.max_ref_len * REFERENCE_RATE].copy())[None]
        audio = torchaudio.functional.resample(heard, REFERENCE_RATE, rate)
        if config.sound_norm_refs and (peak := float(audio.abs().max())):
            audio = audio / peak * 0.75
        audio = audio.to(self._model.device)
        speaker = self._model.get_speaker_embedding(audio, rate)
        gpt = self._model.get_gpt_cond_latents(
            audio, rate, config.gpt_cond_len, config.gpt_cond_chunk_len
        )
        return Latents(gpt.cpu(), speaker.cpu())

    def _fits(self, text: str, language: str) -> bool:
        """Into one run of the model. Raises InvalidCall for what the package cannot read."""
        tokenizer = self._model.tokenizer
        if len(text) > tokenizer.char_limits[language]:
            return False
        try:
            tokens = tokenizer.encode(text.lower(), language)
        except Exception as error:
            raise InvalidCall(f"the model cannot read this text: {error}") from error
        return len(tokens) < int(self._model.args.gpt_max_text_tokens)


class End:
    """Whether the model came to the end of what it last spoke, or ran out of tokens before."""

    def __init__(self, gpt: Any) -> None:
        self._stop = gpt.stop_audio_token
        self._generate: Callable[..., Iterator[Any]] = gpt.get_generator
        self.reached = False
        gpt.get_generator = self._watched

    def _watched(self, **asked: Any) -> Iterator[Any]:
        self.reached = False
        for token, latent in self._generate(**asked):
            self.reached = bool(token[0] == self._stop)
            yield token, latent


def pieces(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """Parts that fit, cut in halves as even as the text allows. What is one character fits."""
    text = text.strip()
    if len(text) < 2 or fits(text):
        yield text
        return
    at = _cut(text)
    yield from pieces(text[:at], fits)
    yield from pieces(text[at:], fits)


def _cut(text: str) -> int:
    """The place of the strongest break that is near the middle, else the middle."""
    middle = len(text) // 2
    for pattern in BREAKS:
        ends = [found.end() for found in re.finditer(pattern, text)]
        near = [end for end in ends if middle / 2 <= end <= middle * 3 / 2 and end < len(text)]
        if near:
            return min(near, key=lambda end: abs(end - middle))
    return middle


class Checkpoint(Xtts):  # type: ignore[misc]  # the package is not here to be checked
    """The package would write the published checkpoint anew into the folder of the weights, to rid
    it of a pickled configuration.
    """

    def _load_checkpoint(self, model_path: Path) -> dict[str, Any]:
        with _legacy_safe_globals():
            checkpoint = torch.load(
                model_path,
                map_location="cpu",
                weights_only=True,
                mmap=zipfile.is_zipfile(model_path),  # else it would be in memory twice
            )
        model: dict[str, Any] = checkpoint["model"]
        return model


def _config(file: Path) -> Any:
    config = XttsConfig()
    try:
        config.load_json(str(file))
    except Exception as error:
        raise LoadFailed(f"{file.name} is no configuration of XTTS: {error}") from error
    return config


def _model(folder: Path, config: Any, device: str) -> Any:
    def load() -> Any:
        model = Checkpoint(config)
        model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)
        return model.to(device)

    return loaded(load, folder)


def _voices(manager: Any) -> dict[str, Latents]:
    """Of the file of speakers, where there is one."""
    speakers = {} if manager is None else manager.speakers
    try:
        return {
            name: Latents(each["gpt_cond_latent"].float(), each["speaker_embedding"].float())
            for name, each in speakers.items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise LoadFailed(f"{SPEAKERS} holds no voices of XTTS") from error


def _language(wanted: str | None, known: tuple[str, ...]) -> str:
    primary = (wanted or "en").lower().partition("-")[0]
    if primary not in known:
        raise InvalidCall(f"this model does not speak '{wanted}'")
    return primary


def _samples(audio: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(audio.cpu().numpy(), np.float32)


def _options(config: Any) -> tuple[Option, ...]:
    return (
        Option(
            *("temperature", "number", float(config.temperature)),
            *("more variety above, more of the same below", 0.05, 2),
        ),
        Option("top_k", "integer", int(config.top_k), "only so many likely sounds", 1, 1000),
        Option(
            *("top_p", "number", float(config.top_p)),
            *("only the likeliest sounds, of together so much", 0.01, 1),
        ),
        Option(
            *("repetition_penalty", "number", float(config.repetition_penalty)),
            *("above 1 against repetitions", 1, 20),
        ),
        Option(
            *("stream_chunk_size", "integer", 20),
            *("tokens that are spoken at once, 21 a second: the fewer, the sooner", 5, 200),
        ),
    )
