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
"""Higgs Audio v2: expressive speech that follows descriptions, in the voice of a recording.

A large model, for GPUs of 24 GB. Without a recording it thinks up a voice, another one for each
call. It shares an environment with VibeVoice, and names diffusers for that alone.
"""

from __future__ import annotations

import json
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
from transformers import (
    AutoFeatureExtractor,
    AutoTokenizer,
    HiggsAudioV2ForConditionalGeneration,
    HiggsAudioV2Processor,
    HiggsAudioV2TokenizerModel,
    StoppingCriteria,
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
    Voice,
    Weights,
)
from stentor_engine.callback import iterate_callback
from stentor_engine.kept import Kept
from stentor_engine.pretrained import pretrained, pretrained_folder, require_files
from stentor_engine.pytorch import discard_torch_folder, torch_device, within_memory

NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json")
CODEC = "codec"
"""The folder of what turns sound into tokens and back, which is a model of its own."""
LANGUAGES = ("en", "zh", "de", "ko")
VOICES = (
    Voice("feminine", "Feminine", gender="female"),
    Voice("masculine", "Masculine", gender="male"),
)
TASK = "Generate audio following instruction."
SCENE = "Audio is recorded from a quiet room."
"""What the model was trained with."""
SPEAKER = "SPEAKER0"
SECONDS = 10.0
SECONDS_PER_CHARACTER = 0.5
"""Of the longest speech that a text may take, before it counts as one without an end."""

Emit = Callable[[Samples | None], bool]


class Higgs(SpeechEngine):
    name = "higgs"
    quality = 74
    languages = LANGUAGES
    devices = ("cuda", "cpu")  # The codec has more channels than MPS takes.
    memory_mb = 15_000
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "3b": (
            Weights(
                hub="bosonai/higgs-tts-2-3b-base",
                files=("*.json", "*.jinja", "*.safetensors"),
                licence="Boson Higgs Audio 2 Community License: https://huggingface.co/bosonai/higgs-tts-2-3b-base/blob/main/LICENSE",
            ),
            Weights(
                hub="bosonai/higgs-audio-v2-tokenizer",
                files=("*.json", "*.safetensors"),
                folder="codec",
                licence="Boson Higgs Audio 2 Community License: https://huggingface.co/bosonai/higgs-tts-2-3b-base/blob/main/LICENSE",
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        discard_torch_folder()
        folder = pretrained_folder(settings.weights, NEEDED)
        codec = _codec(folder)
        place = {"": torch_device(settings.device, self.devices)}
        options = {"dtype": torch.float32, "device_map": place}
        self._codec = pretrained(HiggsAudioV2TokenizerModel, codec, **options)
        self._hearing = Hearing(self._codec)
        self._processor = _processor(folder, self._codec)
        self._model = pretrained(
            HiggsAudioV2ForConditionalGeneration, folder, dtype="auto", device_map=place
        )
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=int(self._codec.config.sample_rate),
            languages=LANGUAGES,
            voices=VOICES,
            options=OPTIONS,
            # Proven for the CPU; a GPU's sums may differ in their last bits.
            deterministic=place[""] == "cpu",
            instructions=True,
            reference=(1.0, 20.0),
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | None]:
        if (call.language or "en").partition("-")[0].lower() not in LANGUAGES:
            raise InvalidCall(f"this model does not speak '{call.language}'")
        if call.voice is not None and all(call.voice != voice.id for voice in VOICES):
            raise InvalidCall(f"no voice '{call.voice}'")
        if not any(map(str.isalnum, call.text)):  # of nothing it would make up something
            return
        inputs = within_memory(lambda: self._inputs(call))
        yield None
        torch.manual_seed(call.seed)
        yield from iterate_callback(partial(self._speak, inputs, call))

    def _inputs(self, call: SpeechCall) -> Any:
        """The script, with what is heard of the recording."""
        sound: dict[str, Any] = {}
        if (reference := call.reference) is not None:
            self._hearing.choose(reference)
            sound = {"audio": [reference.samples]}
        turns = script(call)
        written = self._processor.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        begin = self._processor.tokenizer.bos_token
        inputs = self._processor(
            text=[written],
            sampling_rate=REFERENCE_RATE,
            return_tensors="pt",
            add_special_tokens=not (begin and written.startswith(begin)),  # it would begin twice
            **sound,
        )
        return inputs.to(self._model.device)

    def _speak(self, inputs: Any, call: SpeechCall, emit: Emit) -> None:
        seconds = SECONDS + SECONDS_PER_CHARACTER * len(call.text)
        room = self._model.config.max_position_embeddings - inputs["input_ids"].shape[1]
        watch = Watch(emit)
        told = within_memory(
            lambda: self._model.generate(
                **inputs,
                do_sample=True,
                temperature=float(call.options["temperature"]),
                top_k=int(call.options["top_k"]),
                top_p=float(call.options["top_p"]),
                max_new_tokens=min(int(seconds * self._codec.config.frame_rate), room),
                stopping_criteria=[watch],
                return_dict_in_generate=True,
            )
        )
        if watch.closed:
            return
        if int(told.sequences[0, -1]) != self._model.config.eos_token_id:
            raise EngineError("the model did not come to an end of the text")
        emit(within_memory(lambda: self._sound(told.audio_sequences)))

    def _sound(self, tokens: Any) -> Samples:
        """Of (1, n, codebooks), the recording's before those of the speech. The other codebooks may
        end later than the first one, which the package fills up: that is cut off.
        """
        config = self._model.config
        begun = (tokens[0] == config.audio_stream_bos_id).all(-1).nonzero()[-1, 0] + 1
        frames = int((tokens[0, begun:, 0] == config.audio_stream_eos_id).nonzero()[0, 0])
        if not frames:
            raise EngineError("the model said nothing")
        (audio,) = self._processor.batch_decode(tokens)
        audio = audio.reshape(-1)[: frames * self._codec.config.hop_length]
        return np.ascontiguousarray(audio.float().clamp(-1, 1).numpy())


class Watch(StoppingCriteria):  # type: ignore[misc]  # the package is not here to be checked
    """Asked behind every token: ends the speech when nobody listens."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.closed = False

    def __call__(self, input_ids: Any, scores: Any, **more: Any) -> Any:
        self.closed = not self._emit(None)
        return torch.full(input_ids.shape[:1], self.closed, device=input_ids.device)


class Hearing:
    """The tokens of a recording, computed once for each."""

    def __init__(self, codec: Any) -> None:
        self._encode: Callable[..., Any] = codec.encode
        self._kept: Kept[Any] = Kept(lambda heard: int(heard.audio_codes.nbytes))
        self._id = ""
        codec.encode = self._heard

    def choose(self, reference: Reference) -> None:
        """Of the next call."""
        self._id = reference.id

    def _heard(self, **inputs: Any) -> Any:
        return self._kept.get(self._id, lambda: self._computed(inputs))

    def _computed(self, inputs: Mapping[str, Any]) -> Any:
        with torch.inference_mode():
            return self._encode(**inputs)


def script(call: SpeechCall) -> list[dict[str, Any]]:
    """What the model is shown: the task, the scene with who speaks there, the text."""
    scene = [_text(call.instructions or SCENE)]
    text = f"[{SPEAKER}] {call.text}"
    if call.reference is not None:
        scene += [_text(f"{SPEAKER}:"), {"type": "audio"}]
    elif call.voice is not None:
        scene.append(_text(f"{SPEAKER}: {call.voice}"))
    else:
        text = call.text  # a speaker whom nothing describes might be read aloud
    return [
        {"role": "system", "content": [_text(TASK)]},
        {"role": "scene", "content": scene},
        {"role": "user", "content": [_text(text)]},
    ]


def _text(text: str) -> dict[str, str]:
    """A mark of the model's in angle brackets is no text."""
    return {"type": "text", "text": " ".join(text.replace("<|", "< |").split())}


def _codec(folder: Path) -> Path:
    require_files(folder, [f"{CODEC}/config.json"])
    return pretrained_folder(str(folder / CODEC), ("config.json",))


def _processor(folder: Path, codec: Any) -> Any:
    """The package's own way would look for the codec on the hub."""
    names = (
        *("audio_token", "audio_bos_token", "audio_eos_token", "audio_delay_token"),
        *("audio_stream_bos_id", "audio_stream_eos_id"),
    )
    file = folder / "processor_config.json"
    try:
        config = json.loads(file.read_text()) if file.is_file() else {}
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        processor = HiggsAudioV2Processor(
            feature_extractor=AutoFeatureExtractor.from_pretrained(folder, local_files_only=True),
            tokenizer=tokenizer,
            audio_tokenizer=codec,
            chat_template=tokenizer.chat_template,
            **{name: config[name] for name in names if name in config},
        )
    except Exception as error:
        told = str(error).partition("\n")[0].replace(str(folder), folder.name)
        raise LoadFailed(f"its text processing cannot be loaded: {told}") from error
    if processor.chat_template is None:
        require_files(folder, ["chat_template.jinja"])
    return processor


OPTIONS = (
    Option(
        *("temperature", "number", 0.7),
        *("more variety above, more of the same below", 0.05, 2),
    ),
    Option("top_k", "integer", 50, "only so many likely sounds", 1, 1000),
    Option("top_p", "number", 0.95, "only the likeliest sounds, of together so much", 0.01, 1),
)
