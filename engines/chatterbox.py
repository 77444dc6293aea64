# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = ["numpy", "chatterbox-tts==0.1.7", "setuptools<81"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Chatterbox: takes on any voice from a few seconds of it. Three models that speak, and one that
turns a recording into another voice. Each marks its audio as made by a machine (Perth, inaudible).

setuptools is the watermark's: it reads its own files with what later versions no longer have.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
import wave
import zipfile
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

# Before the packages are imported: nothing is to be downloaded or told, and no progress drawn.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TQDM_DISABLE": "1"}

import numpy as np
import torch
from chatterbox.models.s3gen import S3GEN_SR
from chatterbox.models.s3tokenizer import SPEECH_VOCAB_SIZE
from chatterbox.models.tokenizers import tokenizer as tokenizers
from chatterbox.mtl_tts import SUPPORTED_LANGUAGES, ChatterboxMultilingualTTS
from chatterbox.tts import ChatterboxTTS
from chatterbox.tts_turbo import ChatterboxTurboTTS
from chatterbox.vc import ChatterboxVC
from numpy.typing import NDArray
from spacy_pkuseg import pkuseg

from stentor_engine import (
    REFERENCE_RATE,
    Capabilities,
    ConversionCall,
    ConversionEngine,
    EngineError,
    InvalidCall,
    LoadFailed,
    Option,
    OutOfMemory,
    Reference,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Voice,
    Weights,
    iterate_callback,
)
from stentor_engine.kept import Kept
from stentor_engine.pytorch import discard_torch_folder, torch_device, within_memory

STEP = 0.05
"""Seconds between two chances to stop."""
Emit = Callable[[Samples | None], bool]

TOKENS = 1000
"""Of speech, 25 a second: the package makes no more of them in a call."""
ZERO = sys.float_info.min
"""Above 0, as the package has to see it, and 0 to the model, which computes in float32: at 0 itself
the package gives the model one text where it takes two."""
GRAPHEMES = "grapheme_mtl_merged_expanded_v1.json"
CANGJIE, SEGMENTER = "Cangjie5_TC.json", "spacy_ontonotes.zip"
"""For Chinese: how its letters are written, and where its words end."""
CODES = {"nb": "no"}
"""Of the model's own, for tags that are written otherwise."""

SAMPLING = (
    Option("temperature", "number", 0.8, "more variety above, more of the same below", 0.05, 5),
    Option("top_p", "number", 1.0, "only the likeliest sounds, of together so much", 0, 1),
)
GUIDED = (
    Option("exaggeration", "number", 0.5, "how emotional it is; above 1 it may slip", 0, 2),
    Option("cfg_weight", "number", 0.5, "how close to the text; lower for a slow pace", 0, 1),
    *SAMPLING,
    Option("min_p", "number", 0.05, "no sound that is less likely, of the likeliest one", 0, 1),
)
PENALTY = Option("repetition_penalty", "number", 1.2, "above 1 against repetitions", 1, 3)


FEWEST = 4
"""Tokens of a text in many languages, without the two around it."""
LEAST = REFERENCE_RATE // 10
"""Samples of speech: the package cannot convert much less."""
OWN = (Voice("default", "Default"),)
"""The voice that may come with a model's weights."""


class Stopped(Exception):
    """Nobody listens any more."""


class Pulse:
    """Lets a model be stopped while it computes: between two layers it looks whether somebody still
    listens, every STEP at most. A layer takes milliseconds, or on a slow CPU tenths of a second.
    """

    def __init__(self, *models: Any) -> None:
        self._emit: Callable[[None], bool] = lambda nothing: True
        self._due = 0.0
        for model in models:
            for module in model.modules():
                for layer in module if isinstance(module, torch.nn.ModuleList) else ():
                    layer.register_forward_pre_hook(self._beat)

    def follow(self, emit: Callable[[None], bool]) -> None:
        """From now on, for a call."""
        self._emit = emit

    def _beat(self, layer: Any, inputs: Any) -> None:
        if (now := time.monotonic()) < self._due:
            return
        self._due = now + STEP
        if not self._emit(None):
            raise Stopped


class Voices:
    """What a model takes of a voice: its own one's, or what it computed of a recording."""

    def __init__(self, own: Any, compute: Callable[[io.BytesIO], Any]) -> None:
        self.own = own
        """None where it has none."""
        self._compute = compute
        self._kept: Kept[Any] = Kept(_size)

    def get(self, reference: Reference | None, voice: str | None) -> Any:
        """Not to be changed. Raises InvalidCall."""
        if reference is not None:
            recording = _recording(reference.samples)
            return self._kept.get(reference.id, lambda: self._compute(recording))
        if self.own is None:
            raise InvalidCall("this model has no voice of its own: it needs a recording")
        if voice not in (None, OWN[0].id):
            raise InvalidCall(f"no voice '{voice}'")
        return self.own


def _size(computed: Any) -> int:
    """Bytes of a voice's tensors, 0.1 MB and more."""
    if torch.is_tensor(computed):
        return int(computed.nbytes)
    parts = computed if isinstance(computed, dict) else vars(computed)
    return sum(_size(part) for part in parts.values() if part is not None)


class Chatter(SpeechEngine):
    """What the three that speak have in common. A call can be stopped at any time."""

    devices = ("cuda", "mps", "cpu")
    needed: ClassVar[tuple[str, ...]]
    """Files."""
    shortest: ClassVar[float] = 1.0
    """Seconds of a recording."""
    options: ClassVar[tuple[Option, ...]]

    def __init__(self, settings: Settings) -> None:
        discard_torch_folder()
        folder = _folder(settings.weights, self.needed)
        self._device = torch_device(settings.device, self.devices)
        self._model = model = _loaded(lambda: self._load(folder))
        self._voices = Voices(model.conds, self._prepared)
        self._pulse = Pulse(model.t3, model.s3gen, model.watermarker.perth_net)
        model.t3.inference = self._checked(model.t3.inference)
        model.t3.inference_turbo = self._checked(model.t3.inference_turbo)
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=model.sr,
            languages=self._languages(folder),
            voices=OWN if model.conds is not None else (),
            options=self.options,
            deterministic=self._device == "cpu",
            reference=(self.shortest, 60.0),
        )

    @abstractmethod
    def _load(self, folder: Path) -> Any:
        """The package's own model."""

    def _languages(self, folder: Path) -> tuple[str, ...]:
        return ("en",)

    def _asked(self, call: SpeechCall) -> dict[str, object]:
        """What the package takes beside the text."""
        numbers = {option.name for option in self.options if option.type == "number"}
        given = call.options.items()
        return {name: float(value) if name in numbers else value for name, value in given}

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | None]:
        if any(map(str.isalnum, call.text)):  # of nothing it would make up something
            yield from iterate_callback(partial(self._speak, call))

    def _speak(self, call: SpeechCall, emit: Emit) -> None:
        self._pulse.follow(emit)
        asked = self._asked(call)

        def speak() -> Any:
            self._model.conds = self._conditionals(call)
            torch.manual_seed(call.seed)
            return self._model.generate(call.text, **asked)

        emit(_samples(within_memory(speak)))

    def _conditionals(self, call: SpeechCall) -> Any:
        """A copy, as the model writes into it."""
        voice = self._voices.get(call.reference, call.voice)
        return type(voice)(replace(voice.t3), dict(voice.gen))

    def _prepared(self, recording: io.BytesIO) -> Any:
        self._model.prepare_conditionals(recording)
        return self._model.conds

    def _checked(self, infer: Callable[..., Any]) -> Callable[..., Any]:
        """That makes tokens of a text, (1, n), without those that stand for no sound: of them the
        multilingual model does not rid itself, and a GPU would be lost.
        """
        t3 = self._model.t3

        def speak(**asked: Any) -> Any:
            try:
                tokens = infer(**asked)
            finally:
                for layer in getattr(t3.tfmr, "layers", ()):
                    # The multilingual model's own, which would stay for good, more with each call.
                    layer.self_attn._forward_hooks.clear()
            if tokens.shape[1] >= TOKENS and tokens[0, -1] != t3.hp.stop_speech_token:
                raise EngineError(f"the model did not come to an end within {TOKENS // 25} s")
            sounds = tokens[tokens < SPEECH_VOCAB_SIZE][None]
            if not sounds.numel():
                raise EngineError("the model came to an end before it said anything")
            return sounds

        return speak


class Chatterbox(Chatter):
    """English, with a choice of how emotional it is."""

    name = "chatterbox"
    quality = 75
    languages: ClassVar[tuple[str, ...]] = ("en",)
    memory_mb = 5_500
    needed = ("ve.safetensors", "t3_cfg.safetensors", "s3gen.safetensors", "tokenizer.json")
    options = (*GUIDED, PENALTY)
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "chatterbox": (
            Weights(
                hub="ResembleAI/chatterbox",
                files=(
                    "ve.safetensors",
                    "t3_cfg.safetensors",
                    "s3gen.safetensors",
                    "tokenizer.json",
                    "conds.pt",
                ),
            ),
        ),
    }

    def _load(self, folder: Path) -> Any:
        return ChatterboxTTS.from_local(folder, self._device)

    def _asked(self, call: SpeechCall) -> dict[str, object]:
        asked = super()._asked(call)
        return asked | {"cfg_weight": asked["cfg_weight"] or ZERO}


class ChatterboxTurbo(Chatter):
    """English, quicker; it laughs, sighs and coughs where the text says [laugh], [sigh], [cough],
    [chuckle], [gasp], [groan], [sniff], [shush] or [clear throat].
    """

    name = "chatterbox-turbo"
    quality = 78
    languages = ("en",)
    memory_mb = 4_000
    needed = (
        *("ve.safetensors", "t3_turbo_v1.safetensors", "s3gen_meanflow.safetensors"),
        *("vocab.json", "merges.txt", "tokenizer_config.json"),
    )
    shortest = 5.01  # more than 5
    options = (
        *(replace(o, default=0.95) if o.name == "top_p" else o for o in SAMPLING),
        Option("top_k", "integer", 1000, "only so many of the likeliest sounds; 0: all", 0, 6563),
        PENALTY,
    )
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "chatterbox-turbo": (
            Weights(
                hub="ResembleAI/chatterbox-turbo",
                files=(
                    "ve.safetensors",
                    "t3_turbo_v1.safetensors",
                    "s3gen_meanflow.safetensors",
                    "*.json",
                    "*.txt",
                    "conds.pt",
                ),
            ),
        ),
    }

    def _load(self, folder: Path) -> Any:
        return ChatterboxTurboTTS.from_local(folder, self._device)


class ChatterboxMultilingual(Chatterbox):
    """23 languages. Chinese needs a file of its own, and is read better with another one that tells
    words apart. Hebrew is read without vowels and Russian without stresses where the text has none:
    what would add them is not part of the package.
    """

    name = "chatterbox-multilingual"
    quality = 72
    languages = (
        *("en", "ar", "da", "de", "el", "es", "fi", "fr", "he", "hi", "it", "ja", "ko", "ms", "nl"),
        *("no", "pl", "pt", "ru", "sv", "sw", "tr", "zh"),
    )
    needed = ("ve.pt", "t3_mtl23ls_v2.safetensors", "s3gen.pt", GRAPHEMES)
    options = (*GUIDED, replace(PENALTY, default=2.0))
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "chatterbox-multilingual": (
            Weights(
                hub="ResembleAI/chatterbox",
                files=(
                    "ve.pt",
                    "t3_mtl23ls_v2.safetensors",
                    "s3gen.pt",
                    "grapheme_mtl_merged_expanded_v1.json",
                    "Cangjie5_TC.json",
                    "conds.pt",
                ),
            ),
            Weights(
                urls={
                    "spacy_ontonotes.zip": (
                        "https://github.com/explosion/spacy-pkuseg/releases/download/v0.0.26/"
                        "spacy_ontonotes.zip"
                    ),
                },
                sha256={
                    "spacy_ontonotes.zip": (
                        "b216e7f92de7ae285aeab8feba2faa8ea8216e5995ff6fb3d391cc8356db1bfe"
                    ),
                },
            ),
        ),
    }

    def _load(self, folder: Path) -> Any:
        # Both would look for these files on the internet, whatever language is spoken.
        tokenizers.hf_hub_download = lambda filename, **where: folder / filename
        tokenizers.ChineseCangjieConverter._init_segmenter = lambda converter: None
        model = ChatterboxMultilingualTTS.from_local(folder, self._device)
        if (file := folder / SEGMENTER).is_file():
            model.tokenizer.cangjie_converter.segmenter = _segmenter(file)
        space = model.tokenizer.tokenizer.token_to_id(tokenizers.SPACE)
        model.tokenizer.text_to_tokens = _filled(model.tokenizer.text_to_tokens, space)
        return model

    def _languages(self, folder: Path) -> tuple[str, ...]:
        known = {*SUPPORTED_LANGUAGES, *CODES}
        if not (folder / CANGJIE).is_file():
            known -= {"zh"}
        return tuple(sorted(known, key=lambda tag: (tag != "en", tag)))

    def _asked(self, call: SpeechCall) -> dict[str, object]:
        language = (call.language or "en").lower().partition("-")[0]
        if language not in self.capabilities.languages:
            raise InvalidCall(f"this model does not speak '{call.language}'")
        return super()._asked(call) | {"language_id": CODES.get(language, language)}


class ChatterboxVc(ConversionEngine):
    """Speech in another voice, word for word and as long as it was, in steps of 40 ms. A call can
    be stopped at any time.
    """

    name = "chatterbox-vc"
    devices = ("cuda", "mps", "cpu")
    memory_mb = 2_000
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "chatterbox-vc": (
            Weights(hub="ResembleAI/chatterbox", files=("s3gen.safetensors", "conds.pt")),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        discard_torch_folder()
        folder = _folder(settings.weights, ("s3gen.safetensors",))
        self._device = torch_device(settings.device, self.devices)
        self._model = _loaded(lambda: ChatterboxVC.from_local(folder, self._device))
        self._voices = Voices(self._model.ref_dict, self._prepared)
        self._pulse = Pulse(self._model.s3gen, self._model.watermarker.perth_net)
        self.capabilities = Capabilities(
            task="conversion",
            sample_rate=S3GEN_SR,
            voices=OWN if self._voices.own is not None else (),
            deterministic=self._device == "cpu",
            reference=(1.0, 60.0),
        )

    def convert(self, call: ConversionCall) -> Iterator[Samples | None]:
        if len(call.audio):
            yield from iterate_callback(partial(self._convert, call))

    def _convert(self, call: ConversionCall, emit: Emit) -> None:
        self._pulse.follow(emit)
        lacking = max(0, LEAST - len(call.audio))
        audio = np.pad(call.audio, (0, lacking))

        def convert() -> Any:
            self._model.ref_dict = dict(self._voices.get(call.reference, call.voice))
            torch.manual_seed(call.seed)
            return self._model.generate(_recording(audio))

        made = _samples(within_memory(convert))
        emit(made[: len(call.audio)] if lacking else made)

    def _prepared(self, recording: io.BytesIO) -> Any:
        self._model.set_target_voice(recording)
        return self._model.ref_dict


def _folder(weights: str | None, needed: tuple[str, ...]) -> Path:
    if weights is None:
        raise LoadFailed("it has no weights: stentor models pull fetches them")
    folder = Path(weights).expanduser()
    if lacking := [name for name in needed if not (folder / name).is_file()]:
        raise LoadFailed(f"the folder of its weights lacks {', '.join(lacking)}")
    return folder


def _loaded(load: Callable[[], Any]) -> Any:
    try:
        return within_memory(load)
    except OutOfMemory:
        raise
    except Exception as error:
        raise LoadFailed(f"its weights cannot be loaded: {error}") from error


def _filled(encode: Callable[..., Any], space: int) -> Callable[..., Any]:
    """Tokens of a text, (1, n), with spaces behind that of the language where they are too few: the
    package looks for repetitions in all but the last of them, and fails where there are no others.
    """

    def encoded(text: str, **more: object) -> Any:
        tokens = encode(text, **more)
        spaces = tokens.new_full((1, max(0, FEWEST - tokens.shape[1])), space)
        return torch.cat([tokens[:, :1], spaces, tokens[:, 1:]], dim=1)

    return encoded


def _segmenter(file: Path) -> Any:
    """Of Chinese words."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
        return pkuseg(folder)


def _recording(samples: NDArray[np.float32]) -> io.BytesIO:
    """As a file: the package takes nothing else. It was s16le before, and is so again."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(REFERENCE_RATE)
        out.writeframes(np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2").tobytes())
    file.seek(0)
    return file


def _samples(audio: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(audio.squeeze(0).numpy(), np.float32)
