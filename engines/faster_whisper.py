# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "faster-whisper==1.2.1"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
#
# [tool.stentor]
# cuda = ["nvidia-cublas-cu12==12.8.4.1"]
# ///
"""Whisper of any size on CTranslate2: about 100 languages, on a CPU or an Nvidia GPU."""

from __future__ import annotations

import ctypes
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import ctranslate2
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.transcribe import Segment

from stentor_engine import (
    Capabilities,
    LoadFailed,
    Option,
    OptionValue,
    OutOfMemory,
    Settings,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Weights,
    Word,
    complete_options,
)
from stentor_engine.bounds import finite, span, within
from stentor_engine.fixed import require_unchanged
from stentor_engine.full import is_full
from stentor_engine.threads import THREADS, thread_count
from stentor_engine.weight_files import weights_folder
from stentor_engine.whisper import FALLBACK, codes_by_tag, language_tag

NEEDED = ("config.json", "model.bin", "tokenizer.json")
"""Without a tokenizer the package would ask a hub for one."""
SHORTEST = 0.02
"""Seconds: what one frame of the encoder stands for."""
V3_MELS = 128
TURBO_LAYERS = 4
"""Of the decoder; the other models of that generation have 32."""

CUBLAS = {
    "linux": ("lib/libcublasLt.so.12", "lib/libcublas.so.12"),
    "win32": ("bin/cublasLt64_12.dll", "bin/cublas64_12.dll"),
}
"""What CTranslate2 computes with on a GPU, in its package; each needs those before it."""

COMPUTE_TYPES = (
    *("default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16"),
    *("int16", "float16", "bfloat16", "float32"),
)
"""CTranslate2's."""
OPTIONS = (
    Option("beam_size", "integer", 5, "how many readings are followed at once", 1, 20),
    Option("batch_size", "integer", 1, "stretches at once; set for the model: longer calls", 1, 32),
    Option("hotwords", "string", "", "words that are likely"),
    Option("condition_on_previous_text", "boolean", True, "what was said before guides the rest"),
    Option("repetition_penalty", "number", 1.0, "above 1 against repetitions", 0.5, 2.0),
    Option("no_speech_threshold", "number", 0.6, "silence is what is likelier so", 0.0, 1.0),
    Option("log_prob_threshold", "number", -1.0, "below it an answer is doubtful", -10.0, 0.0),
    Option("compression_ratio_threshold", "number", 2.4, "above it, too", 1.0, 10.0),
    Option(
        "compute_type",
        "string",
        "default",
        "set for the model: how it computes",
        choices=COMPUTE_TYPES,
    ),
    THREADS,
)
OF_THE_MODEL = ("compute_type", "threads")
TURBO = "mobiuslabsgmbh/faster-whisper-large-v3-turbo"


class FasterWhisper(TranscriptionEngine):
    name = "faster-whisper"
    quality = 80
    languages: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "tiny.en": ("en",),
        "base.en": ("en",),
        "small.en": ("en",),
        "medium.en": ("en",),
        "distil-small.en": ("en",),
        "distil-medium.en": ("en",),
        "distil-large-v2": ("en",),
        "distil-large-v3": ("en",),
        "distil-large-v3.5": ("en",),
    }
    devices = ("cuda", "cpu")
    memory_mb = 2_500
    # The package's own table of sizes.
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "large-v3-turbo": (Weights(TURBO, files=("*.json", "model.bin", "vocabulary.*")),),
        "turbo": (Weights(TURBO, files=("*.json", "model.bin", "vocabulary.*")),),
        "tiny": (Weights(hub="Systran/faster-whisper-tiny"),),
        "tiny.en": (Weights(hub="Systran/faster-whisper-tiny.en"),),
        "base": (Weights(hub="Systran/faster-whisper-base"),),
        "base.en": (Weights(hub="Systran/faster-whisper-base.en"),),
        "small": (Weights(hub="Systran/faster-whisper-small"),),
        "small.en": (Weights(hub="Systran/faster-whisper-small.en"),),
        "medium": (Weights(hub="Systran/faster-whisper-medium"),),
        "medium.en": (Weights(hub="Systran/faster-whisper-medium.en"),),
        "large-v1": (Weights(hub="Systran/faster-whisper-large-v1"),),
        "large-v2": (Weights(hub="Systran/faster-whisper-large-v2"),),
        "large-v3": (Weights(hub="Systran/faster-whisper-large-v3"),),
        "large": (Weights(hub="Systran/faster-whisper-large-v3"),),
        "distil-small.en": (Weights(hub="Systran/faster-distil-whisper-small.en"),),
        "distil-medium.en": (Weights(hub="Systran/faster-distil-whisper-medium.en"),),
        "distil-large-v2": (Weights(hub="Systran/faster-distil-whisper-large-v2"),),
        "distil-large-v3": (Weights(hub="Systran/faster-distil-whisper-large-v3"),),
        "distil-large-v3.5": (Weights(hub="distil-whisper/distil-large-v3.5-ct2"),),
    }

    def __init__(self, settings: Settings) -> None:
        self._options = complete_options(OPTIONS, settings.options)
        folder = weights_folder(settings.weights, NEEDED)
        self._model = _load(folder, settings.device, self._options)
        multilingual = self._model.model.is_multilingual
        features = self._model.feature_extractor
        self._codes = codes_by_tag(_codes(self._model))
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=features.sampling_rate,
            languages=tuple(self._codes),
            options=OPTIONS,
            word_times=True,
            window=float(features.chunk_length * int(self._options["batch_size"])),
            detects_language=multilingual,
            translates=multilingual and not _only_transcribes(folder),
            prompts=True,
        )

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        """One pass over 30 s cannot be stopped."""
        require_unchanged(call.options, self._options, OF_THE_MODEL)
        rate = self.capabilities.sample_rate
        if len(call.audio) < SHORTEST * rate:
            return
        yield None
        try:
            segments, language = self._heard(call)
            yield None
            for segment in segments:
                yield _transcript(segment, language, len(call.audio) / rate)
        except RuntimeError as error:
            raise _memory(error) or error from error

    def _heard(self, call: TranscriptionCall) -> tuple[Iterable[Segment], str]:
        """The segments as they are asked for, and the language."""
        options = call.options
        batch = int(options["batch_size"])
        asked: dict[str, Any] = {
            "language": self._codes[call.language] if call.language else None,
            "task": call.task,
            "initial_prompt": call.prompt,
            "word_timestamps": call.words,
            "temperature": call.temperature or FALLBACK,
            "beam_size": options["beam_size"],
            "repetition_penalty": options["repetition_penalty"],
            "hotwords": options["hotwords"] or None,
            "no_speech_threshold": options["no_speech_threshold"],
            "log_prob_threshold": options["log_prob_threshold"],
            "compression_ratio_threshold": options["compression_ratio_threshold"],
            "condition_on_previous_text": options["condition_on_previous_text"],
        }
        audio = np.nan_to_num(call.audio)
        whole = len(audio) < self._model.feature_extractor.n_samples
        if batch == 1:
            segments, info = self._model.transcribe(audio, **asked)
        else:
            # Only speech tells where to cut what is too long for one pass.
            pipeline = BatchedInferencePipeline(self._model)
            segments, info = pipeline.transcribe(
                audio, **asked, batch_size=batch, vad_filter=not whole
            )
        return segments, language_tag(info.language)

    def close(self) -> None:
        self._model.model.unload_model()


def _load(folder: Path, device: str, options: Mapping[str, OptionValue]) -> WhisperModel:
    kind, _, index = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and not index.isdecimal()):
        raise LoadFailed(f"faster-whisper runs on auto, cpu, cuda or cuda:N, not on '{device}'")
    if kind != "cpu" and ctranslate2.get_cuda_device_count():
        lacking = _load_cublas()
        if lacking and kind == "cuda":
            raise LoadFailed(f"device '{device}' cannot be used: {lacking} is not there")
        kind = "cpu" if lacking else "cuda"
    elif kind == "auto":
        kind = "cpu"
    try:
        return WhisperModel(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=options["compute_type"],
            # More than there are wait for one another, busily: up to 20 times as slow.
            cpu_threads=thread_count(options),
        )
    except (RuntimeError, ValueError) as error:
        raise _memory(error) or LoadFailed(f"the model cannot be loaded: {error}") from error


def _load_cublas() -> str | None:
    """From the package beside CTranslate2, or from where the system has it; the name of what is in
    neither. CTranslate2 itself would look for it by its name, and only in a call.
    """
    for name in CUBLAS.get(sys.platform, ()):
        file = Path(ctranslate2.__file__).parents[1] / "nvidia" / "cublas" / name
        try:
            ctypes.CDLL(str(file) if file.is_file() else file.name)
        except OSError:
            return file.name
    return None


def _codes(model: WhisperModel) -> list[str]:
    """Those of the package's languages that the model has a token for."""
    token = model.hf_tokenizer.token_to_id
    return [code for code in model.supported_languages if token(f"<|{code}|>") is not None]


def _only_transcribes(folder: Path) -> bool:
    """Turbo and the distilled models were not trained to translate. The files do not tell the
    number of layers, but the heads that align words are in the last ones.
    """
    if re.search("turbo|distil", folder.name):
        return True
    config = json.loads((folder / "config.json").read_text())
    heads = config.get("alignment_heads") or [[TURBO_LAYERS, 0]]
    return _mels(folder) == V3_MELS and max(layer for layer, _ in heads) < TURBO_LAYERS


def _mels(folder: Path) -> int:
    file = folder / "preprocessor_config.json"
    return int(json.loads(file.read_text()).get("feature_size", 80)) if file.is_file() else 80


def _transcript(segment: Segment, language: str, seconds: float) -> Transcript:
    """Its times are within the call's audio: Whisper may tell some beyond its end."""
    start, end = span(segment.start, segment.end, 0.0, seconds)
    words = tuple(_word(word, seconds) for word in segment.words or ())
    details = {
        "avg_logprob": finite(segment.avg_logprob),
        "no_speech_prob": finite(segment.no_speech_prob),
        "compression_ratio": finite(segment.compression_ratio),
        "temperature": finite(segment.temperature),
        "tokens": [int(token) for token in segment.tokens],
    }
    return Transcript(segment.text.strip(), start, end, words, language, details)


def _word(word: Any, seconds: float) -> Word:
    start, end = span(word.start, word.end, 0.0, seconds)
    return Word(word.word.strip(), start, end, confidence=within(word.probability, 0.0, 1.0))


def _memory(error: Exception) -> OutOfMemory | None:
    return OutOfMemory(str(error)) if is_full(error) else None
