# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = [
#     "numpy",
#     "accelerate==1.15.0",
#     "diffusers==0.42.1",
#     "torch==2.8.0",
#     "torchaudio==2.8.0",
#     "transformers==5.20.2",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""VibeVoice: long, lively speech in English and Chinese, in the voice of a recording; it streams.

Without a recording the model thinks up a voice, another one for each call. It shares an environment
with Higgs Audio, and names torchaudio for that alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

# Before the packages are imported: nothing is to be downloaded or told.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

# Threads that wait busily for one another, as is PyTorch's way, take five times as long where other
# programs compute too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    LogitsProcessorList,
    StoppingCriteria,
    UnbatchedClassifierFreeGuidanceLogitsProcessor,
    VibeVoiceForConditionalGeneration,
    VibeVoiceProcessor,
)

from stentor_engine import (
    REFERENCE_RATE,
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
    Weights,
)
from stentor_engine.callback import iterate_callback
from stentor_engine.kept import Kept
from stentor_engine.pretrained import pretrained, pretrained_folder
from stentor_engine.pytorch import discard_torch_folder, torch_device, within_memory

NEEDED = (
    "config.json",
    "generation_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)
LANGUAGES = ("en", "zh")
SPEAKER = "0"
SECONDS = 10.0
SECONDS_PER_CHARACTER = 0.5
"""Of the longest speech that a text may take, before it counts as one without an end: twice of slow
Chinese, six times of slow English."""

Emit = Callable[[Samples | None], bool]


class VibeVoice(SpeechEngine):
    name = "vibevoice"
    quality = 70
    languages = LANGUAGES
    devices = ("cuda", "mps", "cpu")
    memory_mb = 7_000
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "1.5b": (
            Weights(
                hub="vibevoice/VibeVoice-1.5B-hf",
                revision="edc39f80f5cae656da37baf8faa8f5502bf7081f",
                files=("*.json", "*.jinja", "*.safetensors"),
            ),
        ),
        "7b": (
            Weights(
                hub="vibevoice/VibeVoice-7B-hf",
                files=("*.json", "*.jinja", "*.safetensors"),
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        discard_torch_folder()
        folder = pretrained_folder(settings.weights, NEEDED)
        device = torch_device(settings.device, self.devices)
        self._processor = _processor(folder)
        self._model = pretrained(
            Telling,
            folder,
            # As its makers use it. A CPU computes float32 faster, and MPS lacks parts of bfloat16.
            dtype=torch.bfloat16 if device.startswith("cuda") else torch.float32,
            device_map={"": device},
        )
        self._hearing = Hearing(self._model.model)
        rate = int(self._processor.feature_extractor.sampling_rate)
        self._tokens_per_second = rate / self._model.config.audio_config.hop_length
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=rate,
            languages=LANGUAGES,
            options=_options(self._model.generation_config),
            streaming=True,
            # Proven for the CPU; a GPU's sums may differ in their last bits.
            deterministic=device == "cpu",
            reference=(1.0, 30.0),
            max_chars=1_000,
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | None]:
        if (call.language or "en").partition("-")[0].lower() not in LANGUAGES:
            raise InvalidCall(f"this model does not speak '{call.language}'")
        if call.voice is not None:
            raise InvalidCall(f"no voice '{call.voice}': this model takes on that of a recording")
        if not any(map(str.isalnum, call.text)):  # of nothing it would make up something
            return
        inputs = within_memory(lambda: self._inputs(call.text, call.reference))
        yield None
        torch.manual_seed(call.seed)
        yield from iterate_callback(partial(self._speak, inputs, call))

    def _inputs(self, text: str, reference: Reference | None) -> Any:
        """The script, with what is heard of the recording."""
        content = [{"type": "text", "text": one_line(text)}]
        sound: dict[str, Any] = {}
        if reference is not None:
            content.append({"type": "audio"})
            sound = {"audio": [reference.samples], "sampling_rate": REFERENCE_RATE}
        turns = [{"role": SPEAKER, "content": content}]
        script = self._processor.apply_chat_template(turns, tokenize=False)
        inputs = self._processor(text=[script], return_tensors="pt", **sound)
        inputs = inputs.to(self._model.device, self._model.dtype)
        if reference is not None:
            self._hearing.choose(reference, inputs)
        return inputs

    def _speak(self, inputs: Any, call: SpeechCall, emit: Emit) -> None:
        seconds = SECONDS + SECONDS_PER_CHARACTER * len(call.text)
        watch = Watch(self._model, emit)
        told = within_memory(
            lambda: self._model.generate(
                **inputs,
                guidance_scale=float(call.options["guidance_scale"]),
                num_diffusion_steps=int(call.options["diffusion_steps"]),
                max_new_tokens=int(seconds * self._tokens_per_second),
                stopping_criteria=[watch],
                return_dict_in_generate=True,
            )
        )
        if not watch.closed and int(told.sequences[0, -1]) != self._model.config.eos_token_id:
            raise EngineError("the model did not come to an end of the text")


class Telling(VibeVoiceForConditionalGeneration):  # type: ignore[misc]  # not here to be checked
    """Keeps the audio of its last token, which the package gives only at the end."""

    audio: Any = None

    def _decode_audio_latent(self, *args: Any, **more: Any) -> Any:
        decoded = super()._decode_audio_latent(*args, **more)
        self.audio = decoded.audio
        return decoded

    def _get_logits_processor(self, *args: Any, **more: Any) -> Any:
        """Without the guidance of text models, which the package adds because of the name that it
        shares with the guidance of the diffusion: a third run of the model for each token, which
        its makers' own code has not, on tokens instead of what was heard.
        """
        found = super()._get_logits_processor(*args, **more)
        kind = UnbatchedClassifierFreeGuidanceLogitsProcessor
        return LogitsProcessorList(each for each in found if not isinstance(each, kind))


class Watch(StoppingCriteria):  # type: ignore[misc]  # not here to be checked
    """Asked behind every token: sends its audio, and ends the speech when nobody listens."""

    def __init__(self, model: Telling, emit: Emit) -> None:
        self._model = model
        self._emit = emit
        self.closed = False

    def __call__(self, input_ids: Any, scores: Any, **more: Any) -> Any:
        audio, self._model.audio = self._model.audio, None
        self.closed = not self._emit(None if audio is None else _samples(audio))
        return torch.full(input_ids.shape[:1], self.closed, device=input_ids.device)


class Hearing:
    """What the model hears of a recording, computed once for each."""

    def __init__(self, model: Any) -> None:
        self._hear: Callable[..., Any] = model.get_audio_features
        self._kept: Kept[Any] = Kept(lambda heard: int(heard.pooler_output.nbytes))
        self._heard: Any = None
        model.get_audio_features = lambda *args, **more: self._heard

    def choose(self, reference: Reference, inputs: Any) -> None:
        self._heard = self._kept.get(reference.id, lambda: self._computed(inputs))

    def _computed(self, inputs: Any) -> Any:
        torch.manual_seed(0)  # it adds noise, which is not to hang on what was said before
        with torch.inference_mode():
            return self._hear(inputs["input_values"], inputs["padding_mask"], return_dict=True)


def one_line(text: str) -> str:
    """A line is a speaker's turn in the script, and a mark in angle brackets is no text."""
    return " ".join(text.replace("<|", "< |").split())


def _processor(folder: Path) -> Any:
    try:
        return VibeVoiceProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        told = str(error).partition("\n")[0].replace(str(folder), folder.name)
        raise LoadFailed(f"its text processing cannot be loaded: {told}") from error


def _samples(audio: Any) -> NDArray[np.float32]:
    """Of (1, 1, n), of any type."""
    return np.ascontiguousarray(audio.reshape(-1).float().clamp(-1, 1).cpu().numpy())


def _options(config: Any) -> tuple[Option, ...]:
    return (
        Option(
            *("guidance_scale", "number", float(config.guidance_scale or 1.3)),
            *("how closely it keeps to the text and the voice", 1, 5),
        ),
        Option(
            *(
                "diffusion_steps",
                "integer",
                int(getattr(config, "num_diffusion_steps", None) or 10),
            ),
            *("for each 133 ms of audio: more are slower and cleaner", 2, 100),
        ),
    )
