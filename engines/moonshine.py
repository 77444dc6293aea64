# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "moonshine-voice==0.1.5"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Moonshine: small models for one language each that hear while it is spoken, quick on any CPU."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from moonshine_voice import ModelArch, MoonshineError
from moonshine_voice.moonshine_api import (
    moonshine_get_stt_catalog_string,
    moonshine_get_stt_dependencies_string,
)
from moonshine_voice.transcriber import Error, LineCompleted, Transcriber

from stentor_engine import (
    Capabilities,
    EngineError,
    LoadFailed,
    Option,
    OptionValue,
    Settings,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Weights,
    Word,
    complete_options,
)
from stentor_engine.bounds import span, within
from stentor_engine.fixed import require_unchanged
from stentor_engine.weight_files import weights_folder

RATE = 16_000
WINDOW = 30.0
PIECE = 0.5
"""Seconds that are heard at once."""
SILENCE = 1.0
"""Seconds behind the audio: a line is whole, and has words, when nobody speaks any more."""
USUAL = "en"
ATTENDING = ("decoder_with_attention.ort", "decoder_kv_with_attention.ort", "alignment_model.ort")
"""One of them tells when words were said."""
ARCHS = tuple(arch.name.lower().replace("_", "-") for arch in ModelArch)

OPTIONS = (
    Option("arch", "string", "auto", "set for the model: its kind", choices=("auto", *ARCHS)),
    Option("language", "string", "auto", "set for the model: what it hears, such as en"),
    Option("max_tokens_per_second", "number", 0.0, "set for the model; 0: its own", 0, 50),
)


class Moonshine(TranscriptionEngine):
    name = "moonshine"
    quality = 55
    languages: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "medium-streaming-en": ("en",),
        "small-streaming-en": ("en",),
        "tiny-streaming-en": ("en",),
        "small-streaming-de": ("de",),
        "small-streaming-es": ("es",),
        "small-streaming-ja": ("ja",),
    }
    devices = ("cpu",)
    memory_mb = 700
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "medium-streaming-en": (
            Weights(
                urls={
                    "adapter.ort": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/adapter.ort",
                    "cross_kv.ort": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/cross_kv.ort",
                    "decoder_kv.ort": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/decoder_kv.ort",
                    "encoder.ort": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/encoder.ort",
                    "frontend.model.ort": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/frontend.model.ort",
                    "frontend.weights.ort": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/frontend.weights.ort",
                    "streaming_config.json": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/streaming_config.json",
                    "tokenizer.bin": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/tokenizer.bin",
                    "decoder_kv_with_attention.ort": "https://download.moonshine.ai/model/medium-streaming-en/quantized_26_08_21/decoder_kv_with_attention.ort",
                },
            ),
        ),
        "small-streaming-en": (
            Weights(
                urls={
                    "adapter.ort": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/adapter.ort",
                    "cross_kv.ort": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/cross_kv.ort",
                    "decoder_kv.ort": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/decoder_kv.ort",
                    "encoder.ort": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/encoder.ort",
                    "frontend.model.ort": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/frontend.model.ort",
                    "frontend.weights.ort": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/frontend.weights.ort",
                    "streaming_config.json": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/streaming_config.json",
                    "tokenizer.bin": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/tokenizer.bin",
                    "decoder_kv_with_attention.ort": "https://download.moonshine.ai/model/small-streaming-en/quantized_26_08_21/decoder_kv_with_attention.ort",
                },
            ),
        ),
        "tiny-streaming-en": (
            Weights(
                urls={
                    "adapter.ort": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/adapter.ort",
                    "cross_kv.ort": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/cross_kv.ort",
                    "decoder_kv.ort": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/decoder_kv.ort",
                    "encoder.ort": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/encoder.ort",
                    "frontend.model.ort": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/frontend.model.ort",
                    "frontend.weights.ort": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/frontend.weights.ort",
                    "streaming_config.json": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/streaming_config.json",
                    "tokenizer.bin": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/tokenizer.bin",
                    "decoder_kv_with_attention.ort": "https://download.moonshine.ai/model/tiny-streaming-en/quantized_26_08_21/decoder_kv_with_attention.ort",
                },
            ),
        ),
        "small-streaming-de": (
            Weights(
                urls={
                    "adapter.ort": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/adapter.ort",
                    "cross_kv.ort": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/cross_kv.ort",
                    "decoder_kv.ort": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/decoder_kv.ort",
                    "encoder.ort": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/encoder.ort",
                    "frontend.model.ort": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/frontend.model.ort",
                    "frontend.weights.ort": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/frontend.weights.ort",
                    "streaming_config.json": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/streaming_config.json",
                    "tokenizer.bin": "https://download.moonshine.ai/model/small-streaming-de/quantized_26_08_24/tokenizer.bin",
                },
                licence="Moonshine Community License: https://www.moonshine.ai/license",
            ),
        ),
        "small-streaming-es": (
            Weights(
                urls={
                    "adapter.ort": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/adapter.ort",
                    "cross_kv.ort": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/cross_kv.ort",
                    "decoder_kv.ort": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/decoder_kv.ort",
                    "encoder.ort": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/encoder.ort",
                    "frontend.model.ort": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/frontend.model.ort",
                    "frontend.weights.ort": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/frontend.weights.ort",
                    "streaming_config.json": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/streaming_config.json",
                    "tokenizer.bin": "https://download.moonshine.ai/model/small-streaming-es/quantized_26_08_24/tokenizer.bin",
                },
                licence="Moonshine Community License: https://www.moonshine.ai/license",
            ),
        ),
        "small-streaming-ja": (
            Weights(
                urls={
                    "adapter.ort": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/adapter.ort",
                    "cross_kv.ort": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/cross_kv.ort",
                    "decoder_kv.ort": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/decoder_kv.ort",
                    "encoder.ort": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/encoder.ort",
                    "frontend.model.ort": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/frontend.model.ort",
                    "frontend.weights.ort": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/frontend.weights.ort",
                    "streaming_config.json": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/streaming_config.json",
                    "tokenizer.bin": "https://download.moonshine.ai/model/small-streaming-ja/quantized_26_08_23/tokenizer.bin",
                },
                licence="Moonshine Community License: https://www.moonshine.ai/license",
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        self._options = complete_options(OPTIONS, settings.options)
        if settings.device not in ("auto", "cpu"):
            raise LoadFailed(f"moonshine runs on auto or cpu, not on '{settings.device}'")
        folder = weights_folder(settings.weights)
        kind = _kind(folder, self._options)
        timed = any((folder / name).is_file() for name in ATTENDING)
        self._streams = "streaming" in kind.arch
        self._model = _load(folder, kind, self._options, timed=timed)
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=RATE,
            languages=(kind.language,),
            options=OPTIONS,
            word_times=timed,
            deterministic=True,
            window=WINDOW,
            prompts=self._streams,
        )

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        """Tells each line as soon as it was heard to its end."""
        require_unchanged(call.options, self._options, self._options)
        seconds = len(call.audio) / RATE
        if self._streams:
            self._model.set_context(call.prompt)
        lines: list[Any] = []
        stream = self._model.create_stream(update_interval=PIECE)
        stream.add_listener(lines.append)
        try:
            stream.start()
            for piece in _pieces(call.audio):
                yield None
                stream.add_audio(piece.tolist(), RATE)
                yield from _heard(lines, seconds, with_words=call.words)
            stream.stop()
            yield from _heard(lines, seconds, with_words=call.words)
        except MoonshineError as error:
            raise EngineError(f"moonshine failed: {error}; is its `arch` right?") from error
        finally:
            stream.close()

    def close(self) -> None:
        self._model.close()


class Kind(NamedTuple):
    arch: str
    language: str


def _pieces(heard: Any) -> Iterator[Any]:
    audio = np.pad(np.nan_to_num(heard), (0, round(SILENCE * RATE)))
    size = round(PIECE * RATE)
    for start in range(0, len(audio), size):
        yield audio[start : start + size]


def _heard(events: list[Any], seconds: float, *, with_words: bool) -> Iterator[Transcript]:
    """Takes what the stream told: lines that are whole, and what went wrong."""
    told = list(events)
    events.clear()
    for event in told:
        if isinstance(event, Error):
            raise EngineError(f"moonshine failed: {event.error}") from event.error
        if isinstance(event, LineCompleted) and event.line.text.strip():
            yield _transcript(event.line, seconds, with_words=with_words)


def _transcript(line: Any, seconds: float, *, with_words: bool) -> Transcript:
    start, end = span(line.start_time, line.start_time + line.duration, 0.0, seconds)
    words = tuple(_word(word, start, end) for word in line.words or ()) if with_words else ()
    return Transcript(line.text.strip(), start, end, words)


def _word(word: Any, least: float, most: float) -> Word:
    start, end = span(word.start, word.end, least, most)
    return Word(word.word.strip(), start, end, confidence=within(word.confidence, 0.0, 1.0))


def _kind(folder: Path, options: Mapping[str, OptionValue]) -> Kind:
    """As the options say it, else that of the package's catalogue whose files have these sizes:
    the files themselves do not tell.
    """
    known = _known(folder)
    arch = options["arch"] if options["arch"] != "auto" else known and known.arch
    if arch is None:
        raise LoadFailed(
            "the weights are none that moonshine-voice knows: set the model's options `arch` and "
            "`language`"
        )
    language = options["language"]
    if language == "auto":
        language = known.language if known else USUAL
    return Kind(str(arch), str(language))


def _known(folder: Path) -> Kind | None:
    for language in json.loads(moonshine_get_stt_catalog_string())["languages"]:
        for model in language["models"]:
            arch = ModelArch(model["model_arch"])
            sizes = _sizes(language["code"], arch)
            if all(_size(folder / name) == size for name, size in sizes.items()):
                return Kind(ARCHS[arch], language["code"])
    return None


def _sizes(language: str, arch: ModelArch) -> dict[str, int]:
    """Of the files of one of the package's models, in bytes."""
    found = moonshine_get_stt_dependencies_string(language, {"model_arch": int(arch)})
    groups = json.loads(found)["groups"]
    return {file["name"]: int(file["size"]) for group in groups for file in group["files"]}


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else -1


def _load(
    folder: Path, kind: Kind, options: Mapping[str, OptionValue], *, timed: bool
) -> Transcriber:
    arch = ModelArch(ARCHS.index(kind.arch))
    # The models of other languages and sizes have the same files.
    alike = ModelArch.TINY_STREAMING if "STREAMING" in arch.name else ModelArch.TINY
    lacking = [name for name in _sizes(USUAL, alike) if not (folder / name).is_file()]
    if lacking:
        raise LoadFailed(f"the weights lack {', '.join(lacking)}, which {kind.arch} needs")
    more = {"return_audio_data": "false", "word_timestamps": str(timed).lower()}
    # What nobody would see; and of a draft the streaming models' words have no times.
    more["decode_incomplete_lines"] = "false"
    if options["max_tokens_per_second"]:
        more["max_tokens_per_second"] = str(options["max_tokens_per_second"])
    try:
        return Transcriber(folder, arch, options=more)
    except MoonshineError as error:
        raise LoadFailed(f"the weights cannot be loaded as {kind.arch}: {error}") from error
