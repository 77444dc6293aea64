"""`stentor say`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stentor.audio.encode import FORMATS
from stentor.audio.wav import wav_header
from stentor.cli.client import open_client
from stentor.cli.failure import UsageError, run_async
from stentor.cli.files import whole_file
from stentor.cli.load import load_config
from stentor.cli.play import SAMPLE_RATE, play, player_or_fail
from stentor.cli.words import Shown, kept_words, words_file
from stentor.config import Config
from stentor.errors import InvalidRequest, StentorError
from stentor.types import Rendered, SpeechRequest, Word
from stentor_engine import OptionValue

WAV_HEADER = 44
STDIN = STDOUT = "-"


@dataclass(frozen=True)
class Outlet:
    """Where the audio and its words go. `output`: None plays it."""

    output: Path | None
    words: bool
    words_to: Path | None


def run(
    text: str | None,
    *,
    file: Path | None,
    output: Path | None,
    audio_format: str | None,
    words: bool,
    words_to: Path | None,
    server: str | None,
    model: str,
    voice: str | None,
    language: str | None,
    speed: float,
    instructions: str | None,
    options: Sequence[str],
    seed: int | None,
) -> int:
    request = SpeechRequest(
        model=model,
        text=_text(text, file),
        voice=voice,
        format=_format(output, audio_format),
        language=language,
        speed=speed,
        seed=seed,
        instructions=instructions,
        timestamps=words or words_to is not None,
        options=dict(map(parse_option, options)),
    )
    outlet = Outlet(output, words, words_to)
    if words_to is not None:
        words_file(words_to)  # told before anything is spoken
    return run_async(_say(load_config(), server, request, outlet))


def parse_option(given: str) -> tuple[str, OptionValue]:
    """`key=value`; a number or a boolean is one that reads so in JSON. Raises UsageError."""
    name, equals, text = given.partition("=")
    if not name or not equals:
        raise UsageError(f"--option is key=value, not '{given}'")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return name, text
    return name, value if isinstance(value, bool | int | float) else text


def _text(text: str | None, file: Path | None) -> str:
    """Raises UsageError where there is none, or two."""
    if file is not None:
        if text is not None:
            raise UsageError("give a text or --file, not both")
        data, source = file.read_bytes(), str(file)
    elif text is None and sys.stdin.isatty():
        raise UsageError("give a text, a --file, or '-' to read it from stdin")
    elif text is None or text == STDIN:
        data, source = sys.stdin.buffer.read(), "stdin"
    else:
        return text
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{source} is not text in UTF-8") from error


def _format(output: Path | None, given: str | None) -> str:
    """By the file's suffix, if none is given; wav to stdout, raw samples to a player. Raises
    UsageError.
    """
    known = ", ".join(FORMATS)
    if given is not None and given not in FORMATS:
        raise UsageError(f"'{given}' is not a format; there are {known}")
    if output is None:
        if given is not None:
            raise UsageError("--format is that of a file: name one with -o")
        return "pcm"
    if str(output) == STDOUT and sys.stdout.isatty():
        raise UsageError("stdout is a terminal: name a file, or play the audio without -o")
    suffix = output.suffix.removeprefix(".").lower()
    if given or not suffix:
        return given or "wav"
    name = {"ogg": "opus", "oga": "opus", "raw": "pcm"}.get(suffix, suffix)
    if name not in FORMATS:
        raise UsageError(f"'.{suffix}' is no format; choose one with --format: {known}")
    return name


async def _say(config: Config, server: str | None, request: SpeechRequest, outlet: Outlet) -> int:
    player = player_or_fail() if outlet.output is None else []
    shown = Shown(running=outlet.output is None and sys.stderr.isatty())
    show = shown.show if outlet.words else _nothing
    # Files are opened first: what cannot be written need not be spoken.
    with kept_words(outlet.words_to) as kept:
        with _audio_file(outlet.output) as audio:
            async with (
                open_client(config, server) as client,
                aclosing(client.speak(request)) as speech,
                aclosing(kept.through(speech)) as pieces,
            ):
                try:
                    if audio is None:
                        await play(pieces, player, show)
                    else:
                        await _write(pieces, audio, show)
                finally:
                    shown.end()
            if audio is not None and request.format == "wav":
                _mend_wav(audio)
        # The audio is good, and stays.
        if request.timestamps and not kept.any:
            raise StentorError("the server does not tell when words are heard")
        kept.finish()
    return 0


@contextmanager
def _audio_file(output: Path | None) -> Iterator[BinaryIO | None]:
    if output is None:
        yield None
    elif str(output) == STDOUT:
        yield sys.stdout.buffer
    else:
        with whole_file(output) as file:
            yield file


def _nothing(word: Word) -> None:
    pass


async def _write(
    pieces: AsyncIterator[Rendered], audio: BinaryIO, show: Callable[[Word], None]
) -> None:
    async for piece in pieces:
        audio.write(piece.audio)
        for word in piece.words:
            show(word)
    audio.flush()


def _mend_wav(file: BinaryIO) -> None:
    """A stream's header does not know how long the audio becomes; a file's can tell."""
    if not (file.seekable() and file.readable()):  # a pipe, a device
        return
    streamed = wav_header(SAMPLE_RATE, None)
    size = file.tell()
    file.seek(0)
    if file.read(WAV_HEADER) == streamed:
        file.seek(0)
        file.write(wav_header(SAMPLE_RATE, (size - WAV_HEADER) // 2))
    file.seek(size)
