"""The machine: Python, memory, graphics processors, disk, players, formats."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from stentor import __version__
from stentor.audio.encode import FORMATS, encode
from stentor.cli.checks.finding import Finding
from stentor.cli.play import PLAYERS, SAMPLE_RATE, find_player
from stentor.config import Config
from stentor.lifecycle.gpus import gpus
from stentor.lifecycle.memory import ram_size

GIB = 2**30
LITTLE_DISK = 2.0
"""GiB: less than most models take."""


def machine(config: Config) -> Iterator[Finding]:
    yield Finding("ok", "Stentor", f"{__version__}, Python {platform.python_version()}")
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    memory = f"{ram_size() / GIB:.1f} GiB of memory"
    yield Finding("ok", "machine", f"{system}, {cores()} cores, {memory}")
    yield _gpu()
    yield _data_folder(config.storage.data_dir)
    yield _player()
    yield _formats()


def cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gpu() -> Finding:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Finding("ok", "GPU", "Apple; the engines of the base install use the CPU")
    if found := gpus():
        names = ", ".join(f"{gpu.name} ({(gpu.memory or 0) / GIB:.0f} GiB)" for gpu in found)
        return Finding("ok", "GPU", f"{names}; the engines of the base install use the CPU")
    if shutil.which("nvidia-smi"):
        advice = "run nvidia-smi: it tells what is wrong with the driver"
        return Finding("note", "GPU", "an NVIDIA driver is installed, and does not answer", advice)
    return Finding("ok", "GPU", "none; the engines of the base install need none")


def _data_folder(folder: Path) -> Finding:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"x")
    except OSError as error:
        advice = "set STENTOR_DATA_DIR to a folder that can be written to"
        return Finding("bad", "data folder", f"{folder}: {error.strerror}", advice)
    free = shutil.disk_usage(existing).free / GIB
    if free < LITTLE_DISK:
        advice = "make room, or set STENTOR_DATA_DIR to a folder on another disk"
        return Finding("note", "data folder", f"{folder}, only {free:.1f} GiB free", advice)
    return Finding("ok", "data folder", f"{folder}, {free:.0f} GiB free")


def _player() -> Finding:
    player = find_player()
    if player is None:
        names = ", ".join(command.split()[0] for command in PLAYERS)
        advice = f"install ffmpeg, sox or alsa-utils: it brings one of {names}"
        return Finding("note", "player", "none: `stentor say` writes files only", advice)
    return Finding("ok", "player", f"{player[0]}, for `stentor say`")


def _formats() -> Finding:
    """Each is really written."""
    silence = np.zeros(SAMPLE_RATE // 10, np.int16)
    library = f"FFmpeg {av.ffmpeg_version_info}"
    for name in FORMATS:
        try:
            encode(name, SAMPLE_RATE, silence)
        except (FFmpegError, ValueError) as error:
            advice = "install PyAV from its wheel: pip install --force-reinstall av"
            return Finding(
                "bad", "formats", f"{name} cannot be written ({error}); {library}", advice
            )
    return Finding("ok", "formats", f"{', '.join(FORMATS)}; {library}")
