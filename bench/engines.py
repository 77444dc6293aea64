"""`python -m bench --engines`: what the gateway costs an engine with packages of its own. Installs
faster-whisper, or finds it below STENTOR_TEST_ENVIRONMENTS; its weights are a recipe's.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.measure import Result, median_ratio, milliseconds
from stentor.app import Stentor
from stentor.config import Config, EngineBackendConfig, Engines, ModelConfig, Storage
from stentor.lifecycle.catalog import bundled_engines
from stentor.lifecycle.environments.store import Environments
from stentor.pipelines.fit import fit_transcription
from stentor.types import TranscriptionRequest

NAME = "faster-whisper"
FILE = bundled_engines() / "faster_whisper.py"
RECIPE = Path(__file__).parents[1] / "tests/engines/recipes/faster_whisper.py"
LAYERS = "32"
"""Of the encoder: a window takes about as long as with a true model of half a billion weights."""
WINDOWS = 12
STARTS = 5
IMPORTS = (
    "import sys; from pathlib import Path; from stentor_engine.loader import engine_class; "
    "engine_class(Path(sys.argv[1]), sys.argv[2]); print(flush=True)"
)
"""What a worker imports before it loads its model, without a worker around it."""
DIRECT = """
import sys, time
import numpy as np
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu")
for line in sys.stdin:
    began = time.perf_counter()
    audio = np.load(line.strip())
    text = "".join(s.text for s in model.transcribe(audio, language="en")[0])
    print(time.perf_counter() - began, text, flush=True)
"""
"""The package as its own documentation uses it, a window for each line."""


def run() -> Iterator[Result]:
    with TemporaryDirectory() as temporary:
        kept = Path(os.environ.get("STENTOR_TEST_ENVIRONMENTS", temporary)).absolute()
        environments = Environments(kept / "environments", torch="cpu", timeout=1800.0)
        environment = asyncio.run(environments.pull(FILE, lambda line: None))
        assert environment is not None
        python, folder = environment.python, Path(temporary)
        tiny = _weights(python, folder / "tiny")
        yield _second_start(_config(kept, tiny), python)
        large = _weights(python, folder / "large", LAYERS)
        yield asyncio.run(_windows(_config(kept, large), python, large, folder))


def _weights(python: Path, folder: Path, *layers: str) -> str:
    subprocess.run([str(python), "-I", str(RECIPE), str(folder), *layers], check=True)
    return str(folder / "multilingual")


def _config(data_dir: Path, weights: str) -> Config:
    backend = EngineBackendConfig(engine=NAME, device="cpu")
    return Config(
        storage=Storage(data_dir=data_dir),
        engines=Engines(torch="cpu"),
        models={"bench": ModelConfig(weights=weights, backends=[backend])},
    )


def _second_start(config: Config, python: Path) -> Result:
    """Of a model that takes no time to load."""
    ours, imports = [], []
    for _ in range(STARTS + 1):
        ours.append(asyncio.run(_start(config)))
        imports.append(_imports(python))
    more = statistics.median(a - b for a, b in zip(ours[1:], imports[1:], strict=True))
    detail = f"{milliseconds(ours[1:])}, imports alone {milliseconds(imports[1:])}"
    return Result(f"second start of {NAME} beyond its imports", more, 0.3, " s", detail)


def _imports(python: Path) -> float:
    """Seconds until they are done, as the process says."""
    command = [str(python), "-I", "-c", IMPORTS, str(FILE), NAME]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return time.perf_counter() - began


async def _start(config: Config) -> float:
    stentor = Stentor(config)
    began = time.perf_counter()
    await stentor.models.find("bench").load()
    seconds = time.perf_counter() - began
    await stentor.close()
    return seconds


async def _windows(config: Config, python: Path, weights: str, folder: Path) -> Result:
    """The same 30 s of noise, in turn."""
    noise = np.random.default_rng(0).normal(0, 0.1, 30 * 16_000).astype(np.float32)
    np.save(folder / "window.npy", noise)
    stentor = Stentor(config)
    direct = await asyncio.create_subprocess_exec(
        str(python), "-c", DIRECT, weights, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    ours, theirs = [], []
    for _ in range(WINDOWS + 1):
        ours.append(await _through(stentor, noise))
        theirs.append(await _directly(direct, folder / "window.npy"))
    assert direct.stdin is not None
    direct.stdin.close()
    await direct.wait()
    await stentor.close()
    assert {text for _, text in ours} == {text for _, text in theirs}
    mine, its = [s for s, _ in ours[1:]], [s for s, _ in theirs[1:]]
    detail = f"{milliseconds(mine)}, directly {milliseconds(its)}"
    claim = f"{NAME} over direct use on the same windows"
    return Result(claim, median_ratio(mine, its), 1.05, "x", detail)


async def _through(stentor: Stentor, audio: np.ndarray) -> tuple[float, str]:
    model = stentor.models.find("bench")
    began = time.perf_counter()
    with model.scheduler.admit() as admission:
        capabilities = await model.able("transcription", admission)
        call = fit_transcription(TranscriptionRequest("bench", language="en"), capabilities)
        call = replace(call, audio=audio)
        async with admission.lease() as backend, aclosing(backend.listen(call)) as heard:
            text = "".join([each.text async for each in heard])
    return time.perf_counter() - began, text.strip()


async def _directly(process: asyncio.subprocess.Process, window: Path) -> tuple[float, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{window}\n".encode())
    seconds, _, text = (await process.stdout.readline()).decode().partition(" ")
    return float(seconds), text.strip()
