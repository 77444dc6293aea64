"""A machine with a hub, a data folder and an engine of its owner's own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from stentor.lifecycle.weights.staging import COMPLETE
from tests.hub import Hub

MIB = 2**20
FILES = {
    "config.json": b'{"layers": 4}',
    "model.bin": random.Random(1).randbytes(3 * MIB + 17),
    "deep/er/voice one.bin": random.Random(2).randbytes(300_000),
    "empty.txt": b"",
    "README.md": b"# A model\n",
    "large.safetensors": random.Random(3).randbytes(MIB),
}
EXTRA = random.Random(4).randbytes(700_000)
LICENCE = "Voice Licence 1.0, https://voices.example/licence"
ENGINE = """
import numpy as np

from stentor_engine import Capabilities, Settings, SpeechEngine, Voice, Weights


class Reader(SpeechEngine):
    name = "reader"
    weights = {{
        "usual": (
            Weights(hub="maker/model"{more}),
            Weights(urls={{"extra.bin": "{url}/files/extra"}}, folder="more"{sum}),
        ),
        "small": (Weights(hub="maker/small"),),
    }}

    def __init__(self, settings: Settings) -> None:
        voices = (Voice("one", settings.weights or "none"),)
        self.capabilities = Capabilities("speech", 8_000, voices=voices, deterministic=True)

    def synthesize(self, call):
        yield np.full(8_000, 9_000, np.int16)
"""
CONFIG = """
[engines]
paths = ['{folder}']
[models.reading]
backends = [{{ engine = "reader" }}]
[models.small]
weights = "small"
backends = [{{ engine = "reader" }}]
[models.own]
weights = "{folder}"
backends = [{{ engine = "reader" }}]
"""


class Machine:
    """Where commands run: a hub, a data folder and an engine of the owner's own."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder, self.hub = folder, hub
        self.data = folder / "data"
        self.engines = folder / "engines"
        self.engines.mkdir()
        self.processes: list[subprocess.Popen[Any]] = []
        (folder / "stentor.toml").write_text(CONFIG.format(folder=self.engines))
        self.declare()

    def declare(self, more: str = "", sum: str = "") -> None:  # noqa: A002 - as the engine has it
        told = ENGINE.format(url=self.hub.url, more=more, sum=sum)
        (self.engines / "reader.py").write_text(told)

    @property
    def environment(self) -> dict[str, str]:
        unwanted = ("STENTOR_", "HF_", "HUGGING")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
        return clean | {
            "STENTOR_CONFIG": str(self.folder / "stentor.toml"),
            "STENTOR_DATA_DIR": str(self.data),
            "STENTOR_PORT": "0",
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.folder / "hf"),
        }

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "stentor.cli.main", "models", *arguments],
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.begin(*arguments, **environment)
        out, told = process.communicate(timeout=100)
        assert "Traceback" not in told, told
        return subprocess.CompletedProcess(arguments, process.returncode, out, told)

    def check(self) -> subprocess.CompletedProcess[str]:
        """Of the configuration."""
        command = [sys.executable, "-m", "stentor.cli.main", "config", "check"]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=100
        )

    @property
    def weights(self) -> list[Path]:
        root = self.data / "weights"
        return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))

    def whole(self) -> Path:
        """The folder of the usual weights, which are all there, and nothing else."""
        (folder,) = self.weights
        assert contents(folder) == FILES | {"more/extra.bin": EXTRA}
        return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    assert COMPLETE in found
    return {name: data for name, data in found.items() if name != COMPLETE}
