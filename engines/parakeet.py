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
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from stentor_engine.fixed import require_unchanged
from stentor_engine.full import is_full
from stentor_engine.onnx import Stop, on_cpu, onnx_provider, require_provider
from stentor_engine.threads import THREADS, thread_count
from stentor_engine.weight_files import weights_folder

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

OPTIONS = (THREADS,)
FLOAT = ("config.json", "vocab.txt", "*model.onnx", "*model.onnx.data")
INT8 = ("config.json", "vocab.txt", "*model.int8.onnx")
V3 = "istupakov/parakeet-tdt-0.6b-v3-onnx"
V2 = "istupakov/parakeet-tdt-0.6b-v2-onnx"


class Parakeet(TranscriptionEngine):
    name = "parakeet"
    quality = 75
    languages: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "parakeet-tdt-0.6b-v3": EUROPEAN,
        "parakeet-tdt-0.6b-v2": ("en",),
        "parakeet-tdt-0.6b-v3-int8": EUROPEAN,
        "parakeet-tdt-0.6b-v2-int8": ("en",),
        "canary-1b-v2": EUROPEAN,
    }
    devices = ("cpu",)
    memory_mb = 3_200
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "parakeet-tdt-0.6b-v3": (Weights(V3, files=FLOAT),),
        "parakeet-tdt-0.6b-v2": (Weights(V2, files=FLOAT),),
        "parakeet-tdt-0.6b-v3-int8": (Weights(V3, files=INT8),),
        "parakeet-tdt-0.6b-v2-int8": (Weights(V2, files=INT8),),
        "canary-1b-v2": (Weights("istupakov/canary-1b-v2-onnx", files=FLOAT),),
    }

    def __init__(self, settings: Settings) -> None:
        self._options = complete_options(OPTIONS, settings.options)
        folder = weights_folder(settings.weights, ("config.json",))
        model = _load(folder, settings.device, self._options)
        exact = on_cpu(_sessions(model.asr).values())
        self._stop = _stoppable(model.asr)
        self._canary = isinstance(model.asr, NemoConformerAED)
        self._model = model.with_timestamps()
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=RATE,
            languages=languages(_vocabulary(folder)),
            options=OPTIONS,
            word_times=not isinstance(model.asr, UNTIMED),
            deterministic=exact,
            window=WINDOW,
            translates=self._canary,
        )

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        require_unchanged(call.options, self._options, self._options)
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


def _load(folder: Path, device: str, options: Mapping[str, OptionValue]) -> Any:
    """A model of whichever kind its config.json says, in the best precision that is there."""
    provider = onnx_provider(device)
    lacking: ModelFileNotFoundError | None = None
    for precision in PRECISIONS:
        try:
            model = load_model(
                # A name with a slash: then the kind is read from config.json, and not loaded from
                # a hub, since the folder is there.
                "local/model",
                folder,
                quantization=precision,
                sess_options=_session(thread_count(options)),
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
            if is_full(error):
                raise OutOfMemory(told) from error
            raise LoadFailed(f"the model cannot be loaded: {told}") from error
        else:
            require_provider(_sessions(model.asr).values(), provider[0], device)
            return model
    raise LoadFailed(f"the weights are not whole: {_told(lacking, folder)}") from lacking


def _session(threads: int) -> rt.SessionOptions:
    options = rt.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return options


def _sessions(asr: object) -> dict[str, Any]:
    """By their names in the model, whatever those are."""
    return {name: s for name, s in vars(asr).items() if isinstance(s, rt.InferenceSession)}


def _stoppable(asr: object) -> Stop:
    """Of the model's sessions."""
    stop = Stop()
    for name, session in _sessions(asr).items():
        setattr(asr, name, stop.session(session))
    return stop


def _told(error: BaseException | None, folder: Path) -> str:
    """In the library's words, without the folder's place."""
    return str(error).replace(f"{folder}{os.sep}", "").replace(str(folder), folder.name)
