# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "pywhispercpp==1.5.1"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Whisper on whisper.cpp: about 100 languages, small and quick on a CPU, also quantised."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

# A failed assertion ends the process; a debugger would be started before, to tell where it was.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")

import _pywhispercpp as cpp
import numpy as np

from stentor_engine import (
    Capabilities,
    EngineError,
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
from stentor_engine.bounds import span
from stentor_engine.fixed import require_unchanged
from stentor_engine.full import is_told_full
from stentor_engine.threads import THREADS, thread_count
from stentor_engine.weight_files import weights_file
from stentor_engine.whisper import codes_by_tag, language_tag

RATE = 16_000
WINDOW = 30.0
"""Seconds."""
SHORTEST = 0.1
"""Seconds: the library hears no less."""
TICKS = 100
"""Of the library's times in a second."""
MULTILINGUAL = 51_865
"""Tokens; of less only English."""
NO_LANGUAGES = 51_766
"""Tokens of a multilingual model that stand for no language."""
ERROR = 4
"""The library's level of messages that tell why something failed."""
UNSPACED = frozenset(("zh", "ja", "th", "lo", "my", "yue"))
"""Languages that are written without spaces between words."""
HUB = "ggerganov/whisper.cpp"
BACKENDS = {"cuda": "CUDA", "mps": "METAL"}
"""As the library names what it was built with."""

OPTIONS = (
    Option("beam_size", "integer", 5, "how many readings are followed at once", 1, 8),
    Option("no_speech_threshold", "number", 0.6, "silence is what is likelier so", 0.0, 1.0),
    Option("logprob_threshold", "number", -1.0, "below it an answer is doubtful", -10.0, 0.0),
    Option("entropy_threshold", "number", 2.4, "below it, too: it repeats itself", 0.0, 10.0),
    Option("suppress_non_speech", "boolean", False, "no signs such as brackets and notes"),
    THREADS,
)


class WhisperCpp(TranscriptionEngine):
    name = "whisper-cpp"
    quality = 72
    languages: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "base.en": ("en",),
    }
    devices = ("mps", "cpu")
    memory_mb = 2_200
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "large-v3-turbo": (Weights(HUB, files=("ggml-large-v3-turbo.bin",)),),
        "large-v3-turbo-q5_0": (Weights(HUB, files=("ggml-large-v3-turbo-q5_0.bin",)),),
        "large-v3": (Weights(HUB, files=("ggml-large-v3.bin",)),),
        "medium": (Weights(HUB, files=("ggml-medium.bin",)),),
        "small": (Weights(HUB, files=("ggml-small.bin",)),),
        "base": (Weights(HUB, files=("ggml-base.bin",)),),
        "base.en": (Weights(HUB, files=("ggml-base.en.bin",)),),
        "tiny": (Weights(HUB, files=("ggml-tiny.bin",)),),
    }

    def __init__(self, settings: Settings) -> None:
        self._options = complete_options(OPTIONS, settings.options)
        self._model = model = _load(weights_file(settings.weights, "ggml-*.bin"), settings.device)
        tokens = cpp.whisper_model_n_vocab(model)
        multilingual = tokens >= MULTILINGUAL
        count = tokens - NO_LANGUAGES if multilingual else 1
        codes = [cpp.whisper_lang_str(number) for number in range(count)]  # English first
        self._codes = codes_by_tag(codes)
        layers = cpp.whisper_model_n_text_layer(model), cpp.whisper_model_n_audio_layer(model)
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=RATE,
            languages=tuple(self._codes),
            options=OPTIONS,
            word_times=True,
            window=WINDOW,
            detects_language=multilingual,
            # Turbo and the distilled models lack layers of the decoder, and were not trained to.
            translates=multilingual and layers[0] >= layers[1],
            prompts=True,
        )

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        """Tells each stretch as it is heard. Can be stopped before each token, not while 30 s are
        encoded.
        """
        require_unchanged(call.options, self._options, (THREADS.name,))
        seconds = len(call.audio) / RATE
        if seconds < SHORTEST:
            return
        audio = np.nan_to_num(call.audio)

        def run(emit: Callable[[Transcript | None], bool]) -> None:
            stopped = False

            def told(_model: object, fresh: int, _data: object = None) -> None:
                last = cpp.whisper_full_n_segments(self._model)
                for number in range(last - fresh, last):
                    emit(self._transcript(number, seconds, with_words=call.words))

            def abort() -> bool:
                nonlocal stopped
                stopped = stopped or not emit(None)
                return stopped

            asked = self._asked(call)
            cpp.assign_new_segment_callback(asked, told)
            cpp.assign_abort_callback(asked, abort)
            with _errors() as errors:
                code = cpp.whisper_full(self._model, asked, audio, audio.size)
            if code != 0 and not stopped:
                raise _failed(f"whisper.cpp failed with {code}", errors)

        yield from iterate_callback(run)

    def _asked(self, call: TranscriptionCall) -> Any:
        options = call.options
        beams = int(options["beam_size"])
        strategies = cpp.whisper_sampling_strategy
        asked = cpp.whisper_full_default_params(
            strategies.WHISPER_SAMPLING_BEAM_SEARCH
            if beams > 1
            else strategies.WHISPER_SAMPLING_GREEDY
        )
        asked.print_progress = asked.print_realtime = False
        asked.print_timestamps = asked.print_special = False
        asked.n_threads = thread_count(self._options)
        # Of a model that only knows English the library would guess a language.
        language = call.language or ("" if self.capabilities.detects_language else "en")
        asked.language = self._codes.get(language, "")
        asked.translate = call.task == "translate"
        asked.token_timestamps = call.words
        asked.temperature = call.temperature
        if call.temperature:
            asked.temperature_inc = 0.0  # what is asked for is not raised
        if beams > 1:
            asked.beam_search = {"beam_size": beams, "patience": -1.0}
        asked.no_speech_thold = float(options["no_speech_threshold"])
        asked.logprob_thold = float(options["logprob_threshold"])
        asked.entropy_thold = float(options["entropy_threshold"])
        asked.suppress_nst = bool(options["suppress_non_speech"])
        if call.prompt:
            asked.initial_prompt = call.prompt
        return asked

    def _transcript(self, number: int, seconds: float, *, with_words: bool) -> Transcript | None:
        model = self._model
        code = cpp.whisper_lang_str(cpp.whisper_full_lang_id(model))
        text = cpp.whisper_full_get_segment_text(model, number).decode(errors="replace").strip()
        if not text:
            return None
        first = cpp.whisper_full_get_segment_t0(model, number)
        last = cpp.whisper_full_get_segment_t1(model, number)
        start, end = span(first / TICKS, last / TICKS, 0.0, seconds)
        tokens = list(self._tokens(number, seconds))
        logprobs = [token.logprob for token in tokens]
        details = {
            "avg_logprob": math.fsum(logprobs) / max(len(logprobs), 1),
            "tokens": [token.id for token in tokens],
        }
        found = words(tokens, spaced=code not in UNSPACED) if with_words else ()
        return Transcript(text, start, end, tuple(found), language_tag(code), details)

    def _tokens(self, number: int, seconds: float) -> Iterator[Token]:
        """Those of text."""
        model, end = self._model, cpp.whisper_token_eot(self._model)
        for place in range(cpp.whisper_full_n_tokens(model, number)):
            data = cpp.whisper_full_get_token_data(model, number, place)
            if data.id < end:
                start, until = span(data.t0 / TICKS, data.t1 / TICKS, 0.0, seconds)
                text = cpp.whisper_token_to_bytes(model, data.id)
                yield Token(int(data.id), bytes(text), start, until, float(data.plog))

    def close(self) -> None:
        cpp.whisper_free(self._model)


@dataclass(frozen=True)
class Token:
    """A piece of a word, or of a letter in UTF-8; from `start` to `end` in seconds."""

    id: int
    text: bytes
    start: float
    end: float
    logprob: float


def words(tokens: Sequence[Token], *, spaced: bool) -> Iterator[Word]:
    """Cut before spaces, or where none are written, wherever a letter is whole."""
    begin = 0
    for index in range(1, len(tokens) + 1):
        if index == len(tokens) or _is_cut(tokens[begin:index], tokens[index], spaced=spaced):
            parts = tokens[begin:index]
            text = b"".join(part.text for part in parts).decode(errors="replace").strip()
            sure = math.exp(min(math.fsum(part.logprob for part in parts) / len(parts), 0.0))
            if text:
                yield Word(text, parts[0].start, parts[-1].end, confidence=sure)
            begin = index


def _is_cut(before: Sequence[Token], after: Token, *, spaced: bool) -> bool:
    if after.text.startswith(b" "):
        return True
    if spaced:
        return False
    try:
        b"".join(token.text for token in before).decode()
        return after.text.decode().isalnum()
    except UnicodeDecodeError:
        return False


def _load(file: Path, device: str) -> Any:
    """The library's context. What fails there is only logged, and an empty context returned."""
    params = cpp.whisper_context_default_params()
    params.use_gpu, params.gpu_device = _gpu(device, cpp.whisper_print_system_info())
    with _errors() as errors:
        model = cpp.whisper_init_from_file_with_params(str(file), params)
    if errors:
        told = _failed(f"{file.name} cannot be loaded", errors)
        raise told if isinstance(told, OutOfMemory) else LoadFailed(str(told))
    return model


@contextmanager
def _errors() -> Iterator[list[str]]:
    """What the library logs as errors meanwhile. Its logger outlives this for no moment: it would
    be called when the interpreter is gone.
    """
    told: list[str] = []

    def log(level: int, text: str) -> None:
        if level == ERROR:
            told.append(text.strip())

    cpp.whisper_log_set(log)
    try:
        yield told
    finally:
        cpp.whisper_log_set(None)


def _failed(what: str, errors: Sequence[str]) -> EngineError:
    told = "; ".join([what, *errors])
    return OutOfMemory(told) if is_told_full(told) else EngineError(told)


def _gpu(device: str, built: str) -> tuple[bool, int]:
    """Whether to use one, and its number; `built`: what the library was built with."""
    kind, _, number = device.partition(":")
    there = [name for name, backend in BACKENDS.items() if backend in built.upper()]
    if kind == "auto":
        kind = there[0] if there else "cpu"
    if (kind != "cpu" and kind not in there) or (number and not number.isdecimal()):
        raise LoadFailed(f"device '{device}' cannot be used: whisper.cpp was built without it")
    return kind != "cpu", int(number or 0)
