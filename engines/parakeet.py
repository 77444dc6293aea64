# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "onnx-asr[cpu]==0.12.0"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Parakeet and other models that onnx-asr runs: quick and exact on a CPU, in 25 languages."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

# Before ONNX Runtime is imported: it would tell its makers what runs, and leave a file behind.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as rt
from onnx_asr import load_model
from onnx_asr.models.nemo import NemoConformerAED
from onnx_asr.models.whisper import WhisperHf, WhisperOrt
from onnx_asr.utils import ModelFileNotFoundError

from stentor_engine import (
    Capabilities,
    InvalidCall,
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

RATE = 16_000
WINDOW = 24.0
"""Seconds: most of these models hear no more than 20 to 30 at once."""
SHORTEST = 0.1
"""Seconds: less is no word, and the features of one frame have no variance."""
LASTS = 0.32
"""Seconds that a token lasts at most: four frames of 80 ms, the longest step of a TDT model."""
GAP = 1.0
"""Seconds without a word that end a sentence, as its full stop does."""
ENDS = (".", "?", "!", "…")
STEP = 0.05
"""Seconds between two chances to stop."""
FOREIGN = 4
"""Letters that an English model may know beside its own, for loan words."""
UNTIMED = (NemoConformerAED, WhisperHf, WhisperOrt)
"""Kinds that tell no times."""
PRECISIONS = (None, "int8", "fp16")
"""In the names of files, as `encoder-model.int8.onnx`; the first one that a folder has whole."""

EUROPEAN = (
    *("en", "bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hr", "hu", "it", "lt", "lv"),
    *("mt", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "uk"),
)
"""What Parakeet v3 and Canary v2 were trained on."""

OPTIONS = (
    Option("threads", "integer", 0, "set for the model: of the CPU; 0: one for each", 0, 64),
)


class Parakeet(TranscriptionEngine):
    name = "parakeet"
    quality = 75
    devices = ("cpu",)
    memory_mb = 3_200
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "parakeet-tdt-0.6b-v3": (
            Weights(
                hub="istupakov/parakeet-tdt-0.6b-v3-onnx",
                files=("config.json", "vocab.txt", "*-model.onnx", "*-model.onnx.data"),
            ),
        ),
        "parakeet-tdt-0.6b-v2": (
            Weights(
                hub="istupakov/parakeet-tdt-0.6b-v2-onnx",
                files=("config.json", "vocab.txt", "*-model.onnx", "*-model.onnx.data"),
            ),
        ),
        "parakeet-tdt-0.6b-v3-int8": (
            Weights(
                hub="istupakov/parakeet-tdt-0.6b-v3-onnx",
                files=("config.json", "vocab.txt", "*-model.int8.onnx"),
            ),
        ),
        "parakeet-tdt-0.6b-v2-int8": (
            Weights(
                hub="istupakov/parakeet-tdt-0.6b-v2-onnx",
                files=("config.json", "vocab.txt", "*-model.int8.onnx"),
            ),
        ),
        "canary-1b-v2": (
            Weights(
                hub="istupakov/canary-1b-v2-onnx",
                files=("config.json", "vocab.txt", "*-model.onnx", "*-model.onnx.data"),
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        self._options = complete_options(OPTIONS, settings.options)
        folder = _folder(settings.weights)
        model = _load(folder, settings.device, self._options)
        self._stop = _stoppable(model)
        self._canary = isinstance(model.asr, NemoConformerAED)
        self._model = model.with_timestamps()
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=RATE,
            languages=languages(_vocabulary(folder)),
            options=OPTIONS,
            word_times=not isinstance(model.asr, UNTIMED),
            window=WINDOW,
            translates=self._canary,
        )

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        if call.options != self._options:
            raise InvalidCall("option 'threads' can only be set for the model")
        asked = self._asked(call)
        seconds = len(call.audio) / RATE
        if seconds < SHORTEST or not call.audio.any():
            return  # of nothing at all the features are rounding errors, made large
        heard = yield from self._stop.stoppable(
            lambda: self._model.recognize(call.audio, sample_rate=RATE, **asked)
        )
        if not self.capabilities.word_times:
            if text := heard.text.strip():
                yield Transcript(text, 0.0, seconds)
            return
        tokens = tuple(map(Token, heard.tokens, heard.timestamps, heard.logprobs))
        for sentence in sentences(words(tokens, seconds)):
            yield _transcript(sentence, with_words=call.words)

    def _asked(self, call: TranscriptionCall) -> dict[str, str]:
        """Canary has to be told what it hears; the others find out."""
        if not self._canary:
            return {}
        if not call.language:
            raise InvalidCall("this model cannot tell languages apart: name one as `language`")
        target = "en" if call.task == "translate" else call.language
        return {"language": call.language, "target_language": target}


@dataclass(frozen=True)
class Token:
    """A piece of a word, with the space before it; `start` in seconds."""

    text: str
    start: float
    logprob: float


@dataclass(frozen=True)
class Heard:
    """A word, and the logarithms of its tokens' probabilities."""

    text: str
    start: float
    end: float
    logprobs: tuple[float, ...]


def words(tokens: Sequence[Token], seconds: float) -> tuple[Heard, ...]:
    """What stands between spaces. Signs that stand alone belong to the word before them."""
    text = "".join(token.text for token in tokens)
    owners = [index for index, token in enumerate(tokens) for _ in token.text]
    spans: list[tuple[int, int]] = []
    for found in re.finditer(r"\S+", text):
        alone = not any(map(str.isalnum, found[0]))
        spans.append((spans.pop()[0] if alone and spans else found.start(), found.end()))
    starts = [*(tokens[owners[start]].start for start, _ in spans), seconds]
    heard = []
    for (start, end), begin, following in zip(spans, starts[:-1], starts[1:], strict=True):
        parts = tokens[owners[start] : owners[end - 1] + 1]
        until = min(max(following, parts[-1].start), parts[-1].start + LASTS, seconds)
        said = "".join(text[start:end].split())
        logprobs = tuple(part.logprob for part in parts)
        heard.append(Heard(said, min(begin, until), until, logprobs))
    return tuple(heard)


def sentences(heard: Sequence[Heard]) -> Iterator[Sequence[Heard]]:
    """Cut behind full stops and in pauses."""
    begin = 0
    for index, word in enumerate(heard, 1):
        last = index == len(heard)
        if last or word.text.endswith(ENDS) or heard[index].start - word.end >= GAP:
            yield heard[begin:index]
            begin = index


def _transcript(sentence: Sequence[Heard], *, with_words: bool) -> Transcript:
    logprobs = [each for word in sentence for each in word.logprobs]
    return Transcript(
        " ".join(word.text for word in sentence),
        sentence[0].start,
        sentence[-1].end,
        tuple(map(_word, sentence)) if with_words else (),
        details={"avg_logprob": math.fsum(logprobs) / len(logprobs)},
    )


def _word(heard: Heard) -> Word:
    """As sure as its tokens are on average."""
    sure = math.exp(min(math.fsum(heard.logprobs) / len(heard.logprobs), 0.0))
    return Word(heard.text, heard.start, heard.end, confidence=sure)


def languages(vocabulary: Iterable[str]) -> tuple[str, ...]:
    """By the letters that a model writes; empty: not known."""
    tokens = [token for token in vocabulary if not re.fullmatch(r"<.*>", token)]
    letters = {letter for token in tokens for letter in token.casefold() if letter.isalpha()}
    foreign = {letter for letter in letters if not letter.isascii()}
    if {"α", "и"} <= foreign:
        return EUROPEAN
    return ("en",) if len(foreign) < FOREIGN < len(letters) else ()


def _vocabulary(folder: Path) -> list[str]:
    """The tokens of `vocab.txt`, a line each with its number behind it."""
    file = folder / "vocab.txt"
    lines = file.read_text("utf-8").split("\n") if file.is_file() else []
    return [line.rpartition(" ")[0] for line in lines if line]


def _folder(weights: str | None) -> Path:
    folder = Path(weights or "").expanduser()
    if not weights or not folder.is_dir():
        raise LoadFailed("`weights` of the model must name a folder that holds them")
    if not (folder / "config.json").is_file():
        raise LoadFailed("the weights lack config.json")
    return folder


def _load(folder: Path, device: str, options: Mapping[str, OptionValue]) -> Any:
    """A model of whichever kind its config.json says, in the best precision that is there."""
    provider = _provider(device, rt.get_available_providers())
    lacking: ModelFileNotFoundError | None = None
    for precision in PRECISIONS:
        try:
            model = load_model(
                # A name with a slash: then the kind is read from config.json, and not loaded from
                # a hub, since the folder is there.
                "local/model",
                folder,
                quantization=precision,
                sess_options=_session(int(options["threads"]) or _cpus()),
                providers=[provider],
                # Resamplers are loaded for eight rates, each with threads of its own, and not used.
                resampler_config={
                    "sess_options": _session(1),
                    "providers": ["CPUExecutionProvider"],
                },
            )
        except ModelFileNotFoundError as error:
            lacking = lacking or error
        except Exception as error:
            told = _told(error, folder)
            if _memory(error):
                raise OutOfMemory(told) from error
            raise LoadFailed(f"the model cannot be loaded: {told}") from error
        else:
            _check(model.asr, provider[0], device)
            return model
    raise LoadFailed(f"the weights are not whole: {_told(lacking, folder)}") from lacking


def _session(threads: int) -> rt.SessionOptions:
    options = rt.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return options


def _check(asr: object, provider: str, device: str) -> None:
    """ONNX Runtime goes on without a device that does not start, and only says so."""
    sessions = [each for each in vars(asr).values() if isinstance(each, rt.InferenceSession)]
    if any(provider not in session.get_providers() for session in sessions):
        raise LoadFailed(f"device '{device}' cannot be used: {provider} does not start")


def _provider(device: str, available: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Of ONNX Runtime's: what computes on the device."""
    kind, _, number = device.partition(":")
    if kind == "auto":
        kind = "cuda" if "CUDAExecutionProvider" in available else "cpu"
    names = {"cpu": "CPU", "cuda": "CUDA", "mps": "CoreML"}
    provider = f"{names.get(kind, kind)}ExecutionProvider"
    if kind not in names or provider not in available:
        raise LoadFailed(f"device '{device}' cannot be used: this ONNX Runtime has no {provider}")
    return provider, {"device_id": number} if kind == "cuda" and number else {}


def _cpus() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _stoppable(model: Any) -> Stop:
    """Puts `Stoppable` in the place of the model's sessions, whatever they are called."""
    stop = Stop()
    for name, session in list(vars(model.asr).items()):
        if isinstance(session, rt.InferenceSession):
            setattr(model.asr, name, Stoppable(session, stop))
    return stop


class Stop:
    """What ends the running call of a model, and what waits for it."""

    def __init__(self) -> None:
        self.options = rt.RunOptions()

    def stoppable(self, work: Callable[[], Any]) -> Generator[None, None, Any]:
        """What `work`, which runs the sessions, returns. Only for one call at a time."""
        self.options = options = rt.RunOptions()
        with ThreadPoolExecutor(1, "parakeet") as thread:
            future = thread.submit(work)
            try:
                while not wait([future], STEP).done:
                    yield None
                return future.result()
            finally:
                options.terminate = True


class Stoppable:
    """A session whose runs end early when nobody waits for them any more."""

    def __init__(self, session: rt.InferenceSession, stop: Stop) -> None:
        self._session = session
        self._stop = stop

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, Any]) -> Any:
        try:
            return self._session.run(outputs, inputs, self._stop.options)
        except Exception as error:
            if _memory(error):
                raise OutOfMemory(str(error)) from error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def _memory(error: BaseException) -> bool:
    return bool(re.search(r"allocat|out of memory|bad_alloc", str(error), re.IGNORECASE))


def _told(error: BaseException | None, folder: Path) -> str:
    """In the library's words, without the folder's place."""
    return str(error).replace(f"{folder}{os.sep}", "").replace(str(folder), folder.name)
