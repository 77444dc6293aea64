# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = ["numpy", "openai-whisper==20250625", "torch==2.8.0"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Whisper as its makers run it, on PyTorch: about 100 languages, best on an Nvidia GPU."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar

import numpy as np
import torch
import whisper
from whisper.audio import CHUNK_LENGTH, SAMPLE_RATE
from whisper.model import ResidualAttentionBlock, Whisper
from whisper.tokenizer import LANGUAGES

from stentor_engine import (
    Capabilities,
    LoadFailed,
    Option,
    OutOfMemory,
    Settings,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Weights,
    Word,
    complete_options,
    iterate_callback,
)
from stentor_engine.bounds import finite, span, within
from stentor_engine.fixed import require_unchanged
from stentor_engine.pytorch import torch_device, within_memory
from stentor_engine.threads import THREADS, thread_count
from stentor_engine.weight_files import weights_file
from stentor_engine.whisper import FALLBACK, codes_by_tag, language_tag

SHORTEST = 0.1
"""Seconds: words of less cannot be aligned."""

OPTIONS = (
    Option("beam_size", "integer", 5, "how many readings are followed at once", 1, 20),
    Option("condition_on_previous_text", "boolean", True, "what was said before guides the rest"),
    Option("no_speech_threshold", "number", 0.6, "silence is what is likelier so", 0.0, 1.0),
    Option("logprob_threshold", "number", -1.0, "below it an answer is doubtful", -10.0, 0.0),
    Option("compression_ratio_threshold", "number", 2.4, "above it, too", 1.0, 10.0),
    Option("fp16", "boolean", True, "set for the model: half precision, on a GPU only"),
    THREADS,
)
OF_THE_MODEL = ("fp16", "threads")


class OpenaiWhisper(TranscriptionEngine):
    name = "whisper"
    quality = 70
    devices = ("cuda", "cpu")
    memory_mb = 6_000
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "large-v3-turbo": (
            Weights(
                urls={
                    "large-v3-turbo.pt": "https://openaipublic.azureedge.net/main/whisper/models/aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a/large-v3-turbo.pt"
                },
                sha256={
                    "large-v3-turbo.pt": "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a"  # noqa: E501 - a hash
                },
            ),
        ),
        "large-v3": (
            Weights(
                urls={
                    "large-v3.pt": "https://openaipublic.azureedge.net/main/whisper/models/e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb/large-v3.pt"
                },
                sha256={
                    "large-v3.pt": "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"  # noqa: E501 - a hash
                },
            ),
        ),
        "medium": (
            Weights(
                urls={
                    "medium.pt": "https://openaipublic.azureedge.net/main/whisper/models/345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1/medium.pt"
                },
                sha256={
                    "medium.pt": "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"
                },
            ),
        ),
        "small": (
            Weights(
                urls={
                    "small.pt": "https://openaipublic.azureedge.net/main/whisper/models/9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794/small.pt"
                },
                sha256={
                    "small.pt": "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794"
                },
            ),
        ),
        "base": (
            Weights(
                urls={
                    "base.pt": "https://openaipublic.azureedge.net/main/whisper/models/ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e/base.pt"
                },
                sha256={
                    "base.pt": "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"
                },
            ),
        ),
        "tiny": (
            Weights(
                urls={
                    "tiny.pt": "https://openaipublic.azureedge.net/main/whisper/models/65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9/tiny.pt"
                },
                sha256={
                    "tiny.pt": "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"
                },
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        self._options = complete_options(OPTIONS, settings.options)
        file = weights_file(settings.weights, "*.pt")
        device = torch_device(settings.device, self.devices)
        torch.set_num_threads(thread_count(self._options))
        self._model = _load(file, device)
        dims = self._model.dims
        multilingual = self._model.is_multilingual
        codes = list(LANGUAGES)[: self._model.num_languages] if multilingual else ["en"]
        self._codes = codes_by_tag(codes)
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=SAMPLE_RATE,
            languages=tuple(self._codes),
            options=OPTIONS,
            word_times=True,
            window=float(CHUNK_LENGTH),
            detects_language=multilingual,
            # Turbo and the distilled models lack layers of the decoder, and were not trained to.
            translates=multilingual and dims.n_text_layer >= dims.n_audio_layer,
            prompts=True,
        )

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        """Can be stopped before each token, and before each layer of the encoder."""
        require_unchanged(call.options, self._options, OF_THE_MODEL)
        seconds = len(call.audio) / SAMPLE_RATE
        if seconds < SHORTEST:
            return
        yield None
        answer: dict[str, Any] = {}

        def run(emit: Callable[[None], bool]) -> None:
            asked = self._asked(call)
            answer.update(within_memory(lambda: _heard(self._model, call.audio, asked, emit)))

        yield from iterate_callback(run)
        language = language_tag(answer["language"])
        for segment in answer["segments"]:
            if segment["text"].strip():
                yield _transcript(segment, language, seconds)

    def _asked(self, call: TranscriptionCall) -> dict[str, Any]:
        options = call.options
        return {
            "language": self._codes[call.language] if call.language else None,
            "task": call.task,
            "initial_prompt": _plain(call.prompt),
            "word_timestamps": call.words,
            "temperature": call.temperature or FALLBACK,
            "beam_size": options["beam_size"],
            "best_of": options["beam_size"],
            "condition_on_previous_text": options["condition_on_previous_text"],
            "no_speech_threshold": options["no_speech_threshold"],
            "logprob_threshold": options["logprob_threshold"],
            "compression_ratio_threshold": options["compression_ratio_threshold"],
            "fp16": bool(options["fp16"]) and self._model.device.type == "cuda",
        }


class Stopped(Exception):
    """Nobody waits for the answer any more."""


def _heard(
    model: Whisper, audio: Any, asked: Mapping[str, Any], emit: Callable[[None], bool]
) -> dict[str, Any]:
    """The package's answer; `emit` is asked whether to go on, and Stopped is raised if not."""

    def check(*_: object) -> None:
        if not emit(None):
            raise Stopped

    blocks = (model.decoder, *model.encoder.blocks)
    handles = [block.register_forward_pre_hook(check) for block in blocks]
    torch.manual_seed(0)  # higher temperatures draw; equal calls are to be heard alike
    try:
        return dict(model.transcribe(np.nan_to_num(audio), **asked))
    except BaseException:
        _forget_alignment(model)
        raise
    finally:
        for handle in handles:
            handle.remove()


def _forget_alignment(model: Whisper) -> None:
    """The package hooks the cross-attention to align words, and leaves that there when it fails:
    every later call would fail of it.
    """
    for block in model.decoder.blocks:
        assert isinstance(block, ResidualAttentionBlock)
        block.cross_attn._forward_hooks.clear()


def _plain(prompt: str | None) -> str | None:
    """Without what reads as one of the model's own tokens, which the tokenizer refuses."""
    return prompt.replace("<|", "< |") if prompt else None


def _load(file: Path, device: str) -> Whisper:
    def load() -> Whisper:
        model = whisper.load_model(str(file), device=device)
        _align(model, file.stem)
        return model

    try:
        return within_memory(load)
    except OutOfMemory:
        raise
    except Exception as error:
        # PyTorch's own words for what is no checkpoint are an advice to trust it.
        told = "" if isinstance(error, UnpicklingError) else f": {error}"
        reason = f"{file.name} is no checkpoint of Whisper: {type(error).__name__}{told}"
        raise LoadFailed(reason) from error


def _align(model: Whisper, name: str) -> None:
    """Tells the model which heads align words, by the name of its file: it does not know itself
    when it is loaded from a file, and would take half of them.
    """
    heads = whisper._ALIGNMENT_HEADS.get(name)
    if heads is None:
        return
    count = len(gzip.decompress(base64.b85decode(heads)))
    if count == model.dims.n_text_layer * model.dims.n_text_head:
        model.set_alignment_heads(heads)


def _transcript(segment: Mapping[str, Any], language: str, seconds: float) -> Transcript:
    """Its times are within the call's audio: Whisper may tell some beyond its end."""
    start, end = span(segment["start"], segment["end"], 0.0, seconds)
    words = tuple(_word(word, seconds) for word in segment.get("words", ()))
    named = ("avg_logprob", "no_speech_prob", "compression_ratio", "temperature")
    details = {
        **{name: finite(segment[name]) for name in named},
        "tokens": [int(token) for token in segment["tokens"]],
    }
    return Transcript(segment["text"].strip(), start, end, words, language, details)


def _word(word: Mapping[str, Any], seconds: float) -> Word:
    start, end = span(word["start"], word["end"], 0.0, seconds)
    sure = within(word["probability"], 0.0, 1.0)
    return Word(word["word"].strip(), start, end, confidence=sure)
