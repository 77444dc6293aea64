# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = ["numpy", "pocket-tts==4.0.1", "torch==2.8.0"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Pocket TTS: takes on any voice, streams, and is quick on a CPU. One language for each model."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

# Before the packages are imported: nothing is to be downloaded or told.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
# A text that came to no end would be cut off, and only the log would say so.
os.environ["KPOCKET_TTS_ERROR_WITHOUT_EOS"] = "1"

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pocket_tts import TTSModel
from pocket_tts.default_parameters import get_default_voice_for_language
from pocket_tts.utils.config import CONFIGS_DIR, load_config

from stentor_engine import (
    Capabilities,
    EngineError,
    InvalidCall,
    LoadFailed,
    Option,
    Reference,
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

State = dict[str, dict[str, Any]]
"""What the model has heard of a voice: tensors by their names, by parts of the model."""

MODEL, TOKENIZER = "model.safetensors", "tokenizer.json"
CLONING = "cloning"
"""The folder of the weights that can take on voices, as the others cannot."""
TAGS = {
    "english": "en",
    "french": "fr",
    "german": "de",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
    "dutch": "nl",
}
OPEN = "kyutai/pocket-tts-without-voice-cloning"
MODELS = "1e08e6a23401048648a9fdcfde2f89348215c2a7"
ENGLISH_TOKENIZER = "00eac05ed3d16bdc3f6b5d598874019c34a89214"
FRENCH_TOKENIZER = "8843db76457a91db32077edf8dfcd1c0e3e755fd"
TOKENIZERS = "4e1e0a3e611c51c0b4ed8174fc10f32a54644303"
VOICES = "a7056f505a4a8ca72d8b5fb1440071d6f1a35739"
"""Commits there that have them."""
KEPT = 256 * 2**20
"""Bytes of what is kept of voices: some 50 kB for each of their 80 ms."""


class Files(NamedTuple):
    language: str
    """As the package names it."""
    config: Path
    model: Path
    tokenizer: Path
    voices: Path
    clones: bool


class PocketTts(SpeechEngine):
    name = "pocket-tts"
    quality = 65
    languages: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "english": ("en",),
        "english-cloning": ("en",),
        "french": ("fr",),
        "german": ("de",),
        "italian": ("it",),
        "portuguese": ("pt",),
        "spanish": ("es",),
        "dutch": ("nl",),
    }
    devices = ("cpu",)
    memory_mb = 1_500
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "english": (
            Weights(
                OPEN,
                VOICES,
                (
                    "languages/english/model.safetensors",
                    "languages/english/embeddings/*.safetensors",
                ),
            ),
            Weights(OPEN, ENGLISH_TOKENIZER, ("languages/english/tokenizer.json",)),
        ),
        "english-cloning": (
            Weights(
                hub="kyutai/pocket-tts",
                revision="db04f0e653473e5c7333c69686ac92b7460b0c1d",
                files=("languages/english/model.safetensors",),
                folder="cloning",
                licence="CC BY 4.0, for voices whose owners agree: https://huggingface.co/kyutai/pocket-tts",
            ),
            Weights(OPEN, VOICES, ("languages/english/embeddings/*.safetensors",)),
            Weights(OPEN, ENGLISH_TOKENIZER, ("languages/english/tokenizer.json",)),
        ),
        "french": (
            Weights(OPEN, MODELS, ("languages/french/model.safetensors",)),
            Weights(OPEN, FRENCH_TOKENIZER, ("languages/french/tokenizer.json",)),
            Weights(OPEN, VOICES, ("languages/french/embeddings/*.safetensors",)),
        ),
        "german": (
            Weights(OPEN, MODELS, ("languages/german/model.safetensors",)),
            Weights(OPEN, TOKENIZERS, ("languages/german/tokenizer.json",)),
            Weights(OPEN, VOICES, ("languages/german/embeddings/*.safetensors",)),
        ),
        "italian": (
            Weights(OPEN, MODELS, ("languages/italian/model.safetensors",)),
            Weights(OPEN, TOKENIZERS, ("languages/italian/tokenizer.json",)),
            Weights(OPEN, VOICES, ("languages/italian/embeddings/*.safetensors",)),
        ),
        "portuguese": (
            Weights(OPEN, MODELS, ("languages/portuguese/model.safetensors",)),
            Weights(OPEN, TOKENIZERS, ("languages/portuguese/tokenizer.json",)),
            Weights(OPEN, VOICES, ("languages/portuguese/embeddings/*.safetensors",)),
        ),
        "spanish": (
            Weights(OPEN, MODELS, ("languages/spanish/model.safetensors",)),
            Weights(OPEN, TOKENIZERS, ("languages/spanish/tokenizer.json",)),
            Weights(OPEN, VOICES, ("languages/spanish/embeddings/*.safetensors",)),
        ),
        "dutch": (
            Weights(OPEN, MODELS, ("languages/dutch/model.safetensors",)),
            Weights(OPEN, TOKENIZERS, ("languages/dutch/tokenizer.json",)),
            Weights(OPEN, VOICES, ("languages/dutch/embeddings/*.safetensors",)),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        discard_torch_folder()
        torch_device(settings.device, self.devices)
        self._files = files = _files(settings.weights)
        self._model = _model(files)
        self._voices = {file.stem: file for file in sorted(files.voices.glob("*.safetensors"))}
        self._kept: Kept[State] = Kept(_size, KEPT)
        first = get_default_voice_for_language(files.language)
        listed = sorted(self._voices, key=lambda name: (name != first, name))
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=self._model.sample_rate,
            languages=(TAGS[files.language.partition("_")[0]],),
            voices=tuple(Voice(name, name.replace("_", " ").title()) for name in listed),
            options=_options(self._model),
            streaming=True,
            deterministic=True,
            reference=(1.0, 30.0) if files.clones else None,
            max_chars=400,
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | None]:
        if not any(map(str.isalnum, call.text)):  # of nothing it would make up something
            return
        state = within_memory(lambda: self._state(call))
        yield None
        self._model.temp = float(call.options["temperature"])
        self._model.eos_threshold = float(call.options["eos_threshold"])
        self._model.sampler_decode_steps = int(call.options["decode_steps"])
        torch.manual_seed(call.seed)
        yield from self._spoken(call, state)

    def _spoken(self, call: SpeechCall, state: State) -> Iterator[Samples]:
        stop = threading.Event()
        stream = self._model.generate_audio_stream(state, call.text, stop=stop)
        try:
            while (audio := within_memory(lambda: next(stream, None))) is not None:
                yield _samples(audio)
        except RuntimeError as error:
            if "maximum length" not in str(error):
                raise
            raise EngineError("the model did not come to an end of the text") from error
        finally:
            stop.set()
            for _ in stream:  # its threads end with it, and the next call may begin
                pass

    def _state(self, call: SpeechCall) -> State:
        if (reference := call.reference) is not None:
            return self._kept.get(reference.id, lambda: self._heard(reference))
        if not self._voices:
            raise InvalidCall("these weights hold no voice: it needs a recording")
        voice = call.voice or self.capabilities.voices[0].id
        if voice not in self._voices:
            raise InvalidCall(f"no voice '{voice}'")
        file = self._voices[voice]
        return self._kept.get(file.name, lambda: self._model.get_state_for_audio_prompt(file))

    def _heard(self, reference: Reference) -> State:
        samples = torch.from_numpy(reference.samples.copy())[None]
        state: State = self._model.get_state_for_audio_prompt(samples)
        return state


def _files(weights: str | None) -> Files:
    """As the package's makers lay them out: `languages/<name>/`, with the weights that can take on
    voices in a folder of their own. A model of one's own has its `config.yaml` beside it.
    """
    folder = Path(weights or "").expanduser()
    found = sorted((folder / "languages").glob("*/")) if weights else []
    if len(found) != 1:
        raise LoadFailed(f"`weights` of the model must name a folder with one languages/*/{MODEL}")
    (place,) = found
    own, clone = place / "config.yaml", folder / CLONING / "languages" / place.name / MODEL
    files = Files(
        place.name,
        own if own.is_file() else CONFIGS_DIR / f"{place.name}.yaml",
        clone if clone.is_file() else place / MODEL,
        place / TOKENIZER,
        place / "embeddings",
        clone.is_file(),
    )
    if place.name.partition("_")[0] not in TAGS:
        raise LoadFailed(f"{place.name} is no language of the package: {', '.join(TAGS)}")
    needed = (files.config, files.model, files.tokenizer)
    if lacking := [file.name for file in needed if not file.is_file()]:
        raise LoadFailed(f"the folder of the weights lacks {', '.join(lacking)}")
    return files


def _model(files: Files) -> Any:
    def load() -> Any:
        config = load_config(files.config)
        config.weights_path, config.weights_path_without_voice_cloning = str(files.model), None
        config.flow_lm.weights_path = config.mimi.weights_path = None
        config.flow_lm.lookup_table.tokenizer_path = str(files.tokenizer)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "config.yaml"
            file.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
            model = TTSModel.load_model(config=file)
        # More at once would be quicker, but sums of other sizes: equal calls would differ.
        model.max_decoder_frames_per_call = 1
        return model

    return loaded(load, files.model.parent)


def _size(state: State) -> int:
    """Bytes."""
    return sum(tensor.nbytes for part in state.values() for tensor in part.values())


def _samples(audio: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(audio.numpy(), np.float32)


def _options(model: Any) -> tuple[Option, ...]:
    return (
        Option("temperature", "number", float(model.temp), "more variety above", 0, 2),
        Option("decode_steps", "integer", 1, "more of them take longer, and may be better", 1, 32),
        Option(
            *("eos_threshold", "number", float(model.eos_threshold)),
            *("above which an end is taken for one; higher against early ends", -20, 20),
        ),
    )
