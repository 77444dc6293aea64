"""`stentor doctor`: tries the parts, and says what to do about those that fail."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stentor import __version__
from stentor.app import Stentor, build
from stentor.audio.encode import FORMATS
from stentor.cli.load import load_config
from stentor.cli.say import find_player
from stentor.cli.serve import refuse_bind
from stentor.config import Config, config_file
from stentor.errors import StentorError
from stentor.routing.models import Model
from stentor.telemetry.log import configure_logging
from stentor.types import SpeechRequest

TEXT = "one two three"


@dataclass(frozen=True)
class Finding:
    """`advice`: what to do, where something is to be done."""

    state: Literal["ok", "note", "bad"]
    what: str
    advice: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "note": "·", "bad": "✗"}[self.state]
        return f"{mark} {self.what}" + (f"\n    {self.advice}" if self.advice else "")


def run() -> int:
    configure_logging("error")  # what fails is a finding
    return asyncio.run(_examine(load_config()))


async def _examine(config: Config) -> int:
    """The exit status: 1 when something is bad."""
    stentor = build(config)
    bad = False
    try:
        async for finding in _findings(config, stentor):
            print(finding, flush=True)
            bad |= finding.state == "bad"
    finally:
        await stentor.close()
    return int(bad)


async def _findings(config: Config, stentor: Stentor) -> AsyncIterator[Finding]:
    python = platform.python_version()
    yield Finding("ok", f"Stentor {__version__}, Python {python}, {os.cpu_count()} cores")
    file = config_file()
    yield Finding("ok", f"configuration: {file.resolve() if file else 'defaults, no stentor.toml'}")
    yield _data_folder(config.storage.data_dir)
    yield _address(config)
    for model in stentor.models:
        yield await _model(stentor, model)
    yield Finding("ok", f"formats: {', '.join(FORMATS)}")
    yield _player()
    yield _gpu()


def _data_folder(folder: Path) -> Finding:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        advice = "set STENTOR_DATA_DIR to a folder that can be written to"
        return Finding("bad", f"data folder {folder} cannot be written to", advice)
    free = shutil.disk_usage(existing).free / 2**30
    return Finding("ok", f"data folder {folder}, {free:.0f} GiB free")


def _address(config: Config) -> Finding:
    refusal = refuse_bind(config)
    if refusal:
        return Finding("bad", "the server would not start", refusal)
    key = "with an API key" if config.server.api_key else "without an API key"
    return Finding("ok", f"address {config.server.host}:{config.server.port}, {key}")


async def _model(stentor: Stentor, model: Model) -> Finding:
    """A model works when it does its work, not when its files are there."""
    try:
        capabilities = await model.capabilities()
        if capabilities.task == "transcription":
            return Finding(
                "ok", f"model {model.name}: loads, hears {_languages(capabilities.languages)}"
            )
        request = SpeechRequest(model.name, TEXT, format="pcm")
        async with aclosing(await stentor.speaker.speak(request)) as speech:
            async for _ in speech.audio():
                pass
    except StentorError as error:
        return Finding("bad", f"model {model.name}: {error}")
    voices = len(capabilities.voices)
    return Finding("ok", f"model {model.name}: speaks, {voices} voices ({speech.seconds:.1f} s)")


def _languages(tags: tuple[str, ...]) -> str:
    return ", ".join(tags) or "any language"


def _player() -> Finding:
    player = find_player()
    if player is None:
        return Finding(
            "note", "no player: `stentor say` writes files only", "install alsa-utils or ffmpeg"
        )
    return Finding("ok", f"`stentor say` plays with {player[0]}")


def _gpu() -> Finding:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Finding("note", "an Apple GPU: the engines of the base install use the CPU")
    if shutil.which("nvidia-smi"):
        return Finding("note", "an NVIDIA GPU: the engines of the base install use the CPU")
    return Finding("note", "no GPU: the engines of the base install need none")
