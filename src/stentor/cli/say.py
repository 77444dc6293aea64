"""`stentor say`."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import IO

import httpx2

from stentor.audio.wav import wav_header
from stentor.cli.client import open_client
from stentor.cli.load import load_config
from stentor.config import Config
from stentor.errors import StentorError
from stentor.telemetry.log import configure_logging
from stentor.types import SpeechRequest

SAMPLE_RATE = 24_000
WAV_HEADER = 44
PLAYERS = (
    ("paplay", "--raw", "--rate=24000", "--format=s16le", "--channels=1"),
    ("aplay", "-q", "-t", "raw", "-r", "24000", "-f", "S16_LE", "-c", "1"),
    ("ffplay", "-loglevel", "error", "-nodisp", "-autoexit", "-f", "s16le", "-ar", "24000", "-"),
)
"""Programs that play s16le at 24 kHz from stdin, in order of preference."""


def run(
    text: str,
    output: Path | None,
    model: str,
    voice: str | None,
    language: str | None,
    speed: float,
    server: str | None,
) -> int:
    configure_logging("error")  # stdout is for audio, and stderr for what went wrong
    text = sys.stdin.read() if text == "-" else text
    player = None if output else find_player()
    if output is None and player is None:
        names = ", ".join(command[0] for command in PLAYERS)
        print(f"no player was found ({names}); write a file with -o", file=sys.stderr)
        return 1
    request = SpeechRequest(
        model, text, voice=voice, language=language, speed=speed, format=_format(output)
    )
    try:
        asyncio.run(_say(load_config(), request, server, output, player))
    except (StentorError, httpx2.HTTPError, OSError) as error:
        print(f"stentor say: {error}", file=sys.stderr)
        return 1
    return 0


def find_player() -> list[str] | None:
    return next((list(command) for command in PLAYERS if shutil.which(command[0])), None)


def _format(output: Path | None) -> str:
    """By the file's suffix; wav to stdout, raw samples to a player."""
    if output is None:
        return "pcm"
    suffix = output.suffix.removeprefix(".").lower()
    if str(output) == "-" or not suffix:
        return "wav"
    return {"ogg": "opus", "raw": "pcm"}.get(suffix, suffix)


async def _say(
    config: Config,
    request: SpeechRequest,
    server: str | None,
    output: Path | None,
    player: list[str] | None,
) -> None:
    async with (
        open_client(config, server) as client,
        aclosing(client.speak(request)) as audio,
    ):
        if player is not None:
            await _play(audio, player)
        elif str(output) == "-":
            await _write(audio, sys.stdout.buffer)
        elif output is not None:
            await _write_file(audio, output, request.format)


async def _play(audio: AsyncIterator[bytes], player: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(*player, stdin=subprocess.PIPE)
    assert process.stdin is not None
    try:
        async for piece in audio:
            process.stdin.write(piece)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the player ended early, and its status says whether it was meant to
    finally:
        process.stdin.close()
        code = await process.wait()
    if code != 0:
        raise StentorError(f"{player[0]} ended with status {code}")


async def _write(audio: AsyncIterator[bytes], stream: IO[bytes]) -> None:
    async for piece in audio:
        stream.write(piece)
    stream.flush()


async def _write_file(audio: AsyncIterator[bytes], output: Path, audio_format: str) -> None:
    """Complete or not at all: an answer that breaks off leaves no half file."""
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") as file:
            await _write(audio, file)
            if audio_format == "wav":  # a stream's header says nothing of its length
                samples = (file.tell() - WAV_HEADER) // 2
                file.seek(0)
                file.write(wav_header(SAMPLE_RATE, samples))
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
