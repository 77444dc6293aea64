# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = [
#     "numpy",
#     "espeakng-loader==0.2.4",
#     "inflect==7.6.0",
#     "kanjize==1.6.1",
#     "phonemizer==3.4.0",
#     "sudachidict-core==20261015",
#     "sudachipy==0.7.0",
#     "torch==2.8.0",
#     "torchaudio==2.8.0",
#     "transformers==4.57.6",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Zonos v0.1, the transformer: five languages, emotions, the voice of a recording, at 44.1 kHz.

An install of its package has not all of its code, wants a web server, and is published by strangers
where packages are. So its code is fetched with the weights: ten files of one commit, by checksums.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import espeakng_loader

# Before the packages are imported: nothing is to be downloaded or told.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
# Where its phonemes come from.
os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()

# Threads that wait busily for one another, as is PyTorch's way, take five times as long where other
# programs compute too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from safetensors import safe_open
from transformers.models.dac import DacModel

from stentor_engine import (
    REFERENCE_RATE,
    Capabilities,
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
    Weights,
)
from stentor_engine.callback import iterate_callback
from stentor_engine.espeak_text import speakable
from stentor_engine.kept import Kept
from stentor_engine.pretrained import pretrained, pretrained_folder, require_files
from stentor_engine.pytorch import discard_torch_folder, torch_device, within_memory
from stentor_engine.temporary import fleeting_files

MODEL = ("config.json", "model.safetensors")
CODE = (
    *("autoencoder.py", "codebook_pattern.py", "conditioning.py", "config.py", "model.py"),
    *("sampling.py", "speaker_cloning.py", "utils.py"),
    *("backbone/__init__.py", "backbone/_torch.py"),
)
SPEAKER = ("ResNet293_SimAM_ASP_base.pt", "ResNet293_SimAM_ASP_base_LDA-128.pt")
CODES = {"en": "en-us", "en-GB": "en-gb", "ja": "ja", "zh": "cmn", "fr": "fr-fr", "de": "de"}
"""Of what it was trained with, as espeak-ng names it; it has names for a hundred more."""
EMOTIONS = {
    "happiness": 0.3077,
    "sadness": 0.0256,
    "disgust": 0.0256,
    "fear": 0.0256,
    "surprise": 0.0256,
    "anger": 0.0256,
    "other": 0.2564,
    "neutral": 0.3077,
}
"""In the model's order, with its makers' own shares."""
PHONEMES = 15.0
"""A second, at speed 1."""
SECONDS = 10.0
SECONDS_PER_CHARACTER = 0.5
LONGEST = 40.0
"""Seconds of the longest speech that a text may take, before it counts as one without an end: the
model was trained with 30."""
HOP = 512
"""Samples of one token."""

Emit = Callable[[Samples | None], bool]


class ZonosEngine(SpeechEngine):
    name = "zonos"
    quality = 66
    languages = ("en", "ja", "zh", "fr", "de")
    devices = ("cuda", "cpu")
    memory_mb = 5_000
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "transformer": (
            Weights(
                hub="Zyphra/Zonos-v0.1-transformer",
                files=("config.json", "model.safetensors"),
            ),
            Weights(
                hub="Zyphra/Zonos-v0.1-speaker-embedding",
                files=("ResNet293_SimAM_ASP_base.pt", "ResNet293_SimAM_ASP_base_LDA-128.pt"),
                folder="speaker",
            ),
            Weights(
                hub="descript/dac_44khz",
                files=("config.json", "model.safetensors"),
                folder="dac",
            ),
            Weights(
                folder="code/zonos",
                urls={
                    "autoencoder.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/autoencoder.py",
                    "codebook_pattern.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/codebook_pattern.py",
                    "conditioning.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/conditioning.py",
                    "config.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/config.py",
                    "model.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/model.py",
                    "sampling.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/sampling.py",
                    "speaker_cloning.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/speaker_cloning.py",
                    "utils.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/utils.py",
                    "backbone/__init__.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/backbone/__init__.py",
                    "backbone/_torch.py": "https://raw.githubusercontent.com/Zyphra/Zonos/bc40d98e1e1ab54fc65c483be127a90e3c7c0645/zonos/backbone/_torch.py",
                },
                sha256={
                    "autoencoder.py": "017ec52e7f837a4d6569553874ada2de"
                    "50937a5f7a8cdc7f58481c40bedfcdc3",
                    "codebook_pattern.py": "0bb4763fc48e89398dfc424e87e35097"
                    "248a049cd15d11ec73ea28f2fa359578",
                    "conditioning.py": "bcdd48f0bfdc54a84e144eb3db699bfc"
                    "1df110dd6d1b05aea0e264d48cd84533",
                    "config.py": "5dba08788ea79af1b4868a04ec48786360e0a6d7345ee9e32f20c89afedc7a61",
                    "model.py": "d447727b573d0e4e199e9445e96305dfaab1edaf4c36e8cc0752089261f8d640",
                    "sampling.py": "20ae11fa16a4384d9a923a8ed3f6ec0d"
                    "6ca9e7c7c5e65780c165dbe1257b9bbf",
                    "speaker_cloning.py": "d311123eefb0cee48fd7b68562544a2a"
                    "490d62f6c7b97c609d5ea92262435f3b",
                    "utils.py": "5f10bfbd0f29263862903e5a37e0bbdea7d5e81e43a5fff95708d529daa8cc1f",
                    "backbone/__init__.py": "7af105684a9ca499a49bb6a053c06517"
                    "9de654b1b26af9bc170d418ac24790cb",
                    "backbone/_torch.py": "8f712809033364625bd8a602a7550dc3"
                    "845b9bfb0027505cc72aee3c45b8f08e",
                },
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        discard_torch_folder()
        folder = _folder(settings.weights)
        device = torch_device(settings.device, self.devices)
        self._conditioning = _code(folder).conditioning
        self._model = _loaded(folder, device)
        self._kept: Kept[Any] = Kept(lambda speaker: int(speaker.nbytes))
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=int(self._model.autoencoder.sampling_rate),
            languages=tuple(CODES),
            options=OPTIONS,
            # Proven for the CPU; a GPU's sums may differ in their last bits.
            deterministic=device == "cpu",
            speed=(0.5, 2.0),
            reference=(1.0, 30.0),
            max_chars=250,
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | None]:
        if call.voice is not None:
            raise InvalidCall(f"no voice '{call.voice}': this model takes on that of a recording")
        code = _voice(call.language or "en")
        text = " ".join(speakable(call.text, code).split())
        if not any(map(str.isalnum, text)):  # of nothing it would make up something
            return
        condition = within_memory(lambda: self._condition(text, code, call))
        yield None
        torch.manual_seed(call.seed)
        yield from iterate_callback(partial(self._speak, condition, call))

    def _condition(self, text: str, code: str, call: SpeechCall) -> Any:
        emotion = [float(call.options[name]) for name in EMOTIONS]
        if not any(emotion):
            raise InvalidCall("at least one emotion must be above 0")
        told = self._conditioning.make_cond_dict(
            text=text,
            language=code,
            speaker=call.reference
            and self._kept.get(call.reference.id, self._heard(call.reference)),
            emotion=emotion,
            pitch_std=float(call.options["pitch_std"]),
            speaking_rate=PHONEMES * call.speed,
            device=self._model.device,
        )
        return self._model.prepare_conditioning(told)

    def _heard(self, reference: Reference) -> Callable[[], Any]:
        sound = torch.from_numpy(reference.samples.copy())[None]
        return lambda: self._model.make_speaker_embedding(sound, REFERENCE_RATE)

    def _speak(self, condition: Any, call: SpeechCall, emit: Emit) -> None:
        seconds = min(SECONDS + SECONDS_PER_CHARACTER * len(call.text), LONGEST)
        watch = Watch(self._model.eos_token_id, emit)
        options = call.options
        tokens = within_memory(
            lambda: self._model.generate(
                condition,
                max_new_tokens=int(seconds * self.capabilities.sample_rate / HOP),
                cfg_scale=float(options["cfg_scale"]),
                sampling_params={name: float(options[name]) for name in ("temperature", "min_p")},
                progress_bar=False,
                disable_torch_compile=True,
                callback=watch,
            )
        )
        if watch.closed:
            return
        if not watch.ended:
            raise EngineError("the model did not come to an end of the text")
        emit(within_memory(lambda: self._sound(tokens)))

    def _sound(self, tokens: Any) -> Samples:
        with torch.inference_mode():
            audio = self._model.autoencoder.decode(tokens)
        return np.ascontiguousarray(audio.reshape(-1).float().clamp(-1, 1).cpu().numpy())


class Watch:
    """Asked behind every token, of shape (1, codebooks, 1): sees the end, and ends the speech when
    nobody listens.
    """

    def __init__(self, end: int, emit: Emit) -> None:
        self._end = end
        self._emit = emit
        self.ended = self.closed = False

    def __call__(self, token: Any, step: int, most: int) -> bool:
        self.ended |= bool((token[:, 0] == self._end).any())  # where it must stop, there is none
        self.closed = not self._emit(None)
        return not self.closed


def _voice(language: str) -> str:
    """As espeak names it; raises InvalidCall."""
    code = CODES.get(language) or CODES.get(language.partition("-")[0].lower())
    if code is None:
        raise InvalidCall(f"this model does not speak '{language}'")
    return code


def _folder(weights: str | None) -> Path:
    folder = pretrained_folder(weights, MODEL)
    require_files(folder, [f"dac/{name}" for name in MODEL])
    require_files(folder, [f"speaker/{name}" for name in SPEAKER])
    require_files(folder, [f"code/zonos/{name}" for name in CODE])
    return folder


def _code(folder: Path) -> Any:
    """The package `zonos`, of which nothing else is installed."""
    sudachipy: Any = importlib.import_module("sudachipy")
    known = sudachipy.Dictionary
    # It asks for a larger one, with more names, which comes from no registry of packages.
    sudachipy.Dictionary = lambda **_: known(dict="core")
    sys.path.insert(0, str(folder / "code"))
    try:
        for name in ("model", "conditioning", "autoencoder", "speaker_cloning"):
            importlib.import_module(f"zonos.{name}")
    except Exception as error:
        raise LoadFailed(f"its code cannot be loaded: {type(error).__name__}: {error}") from error
    finally:
        sudachipy.Dictionary = known
    zonos: Any = sys.modules["zonos"]
    # Behind the import: on a Mac it names a place where one may have been installed.
    os.environ["PHONEMIZER_ESPEAK_LIBRARY"] = espeakng_loader.get_library_path()
    _make_phonemizers(zonos.conditioning)
    return zonos


def _make_phonemizers(conditioning: Any) -> None:
    """Of all languages: for each one the package loads a copy of espeak-ng's library."""
    with fleeting_files():
        for code in CODES.values():
            conditioning.get_backend(code)


def _loaded(folder: Path, device: str) -> Any:
    zonos: Any = sys.modules["zonos"]
    # It wants no compiler, which would make a folder for itself all the same.
    torch.compile = lambda function, **_: function
    # What would look for its files on the hub.
    zonos.model.DACAutoencoder = partial(_autoencoder, folder / "dac")
    zonos.speaker_cloning.hf_hub_download = lambda repo_id, filename: folder / "speaker" / filename

    def load() -> Any:
        model = zonos.model.Zonos.from_local(*(str(folder / name) for name in MODEL), device)
        with safe_open(folder / "model.safetensors", framework="pt") as file:
            lacking = sorted(set(model.state_dict()) - set(file.keys()))
        if lacking:  # of which the package would make something up
            raise LoadFailed(f"its weights lack {len(lacking)} parts, as {lacking[0]}")
        model.spk_clone_model = zonos.speaker_cloning.SpeakerEmbeddingLDA(device)
        return model.eval()

    try:
        return within_memory(load)
    except (LoadFailed, OutOfMemory):
        raise
    except Exception as error:
        told = str(error).partition("\n")[0].replace(str(folder), folder.name)
        raise LoadFailed(f"its weights cannot be loaded: {type(error).__name__}: {told}") from error


def _autoencoder(folder: Path) -> Any:
    made = object.__new__(sys.modules["zonos"].autoencoder.DACAutoencoder)
    made.dac = pretrained(DacModel, folder).requires_grad_(False)
    made.codebook_size = made.dac.config.codebook_size
    made.num_codebooks = made.dac.quantizer.n_codebooks
    made.sampling_rate = made.dac.config.sampling_rate
    return made


OPTIONS = (
    Option("cfg_scale", "number", 2.0, "how closely it keeps to the text and the voice", 1.1, 5),
    Option(
        *("temperature", "number", 1.0),
        *("more variety above, more of the same below", 0.05, 2),
    ),
    Option("min_p", "number", 0.1, "only sounds this likely, beside the likeliest", 0, 0.9),
    Option("pitch_std", "number", 20.0, "Hz: from 20 calm to 150 lively", 0, 400),
    *(
        Option(name, "number", share, f"the share of {name} in how it sounds", 0, 1)
        for name, share in EMOTIONS.items()
    ),
)
