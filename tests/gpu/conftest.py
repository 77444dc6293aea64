"""A GPU for tests: the machine's own with STENTOR_TEST_GPU=1, else one that a driver of ours claims
to have.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TELL = """
import json, pynvml
pynvml.nvmlInit()
gpus = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
print(json.dumps([
    {
        "name": pynvml.nvmlDeviceGetName(gpu),
        "total": pynvml.nvmlDeviceGetMemoryInfo(gpu).total,
        "taken": {p.pid: p.usedGpuMemory for p in pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)},
    }
    for gpu in gpus
]))
"""

HOLD = """
import ctypes, sys
cuda, context, device = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p(), ctypes.c_int()
address = ctypes.c_uint64()
assert cuda.cuInit(0) == 0
assert cuda.cuDeviceGet(ctypes.byref(device), 0) == 0
assert cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device) == 0
assert cuda.cuCtxSetCurrent(context) == 0
assert cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(int(sys.argv[1]) << 20)) == 0
print("held", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Driver:
    """`environment`: what a program needs to find it."""

    environment: Mapping[str, str]
    real: bool

    def gpus(self) -> list[dict[str, object]]:
        """As Nvidia's own package for Python tells of them."""
        return list(json.loads(self.run(TELL)))

    def run(self, code: str, **more: str) -> str:
        environment = {**os.environ, **self.environment, **more}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def stranger(self, mib: int) -> Iterator[int]:
        """A program that holds so much of the first GPU; its process."""
        command = [sys.executable, "-c", HOLD, str(mib)]
        environment = {**os.environ, **self.environment}
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            yield process.pid
            process.kill()

    def taken(self, number: int = 0) -> dict[str, int]:
        """Bytes of that GPU by process."""
        taken = self.gpus()[number]["taken"]
        assert isinstance(taken, dict)
        return taken


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the driver that stands in."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler, to make a driver that stands in for a GPU's")
    folder = tmp_path_factory.mktemp("driver")
    nvml = folder / "libnvidia-ml.so.1"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(nvml)]
    subprocess.run([*command, str(HERE / "driver.c")], check=True, timeout=60)
    shutil.copy(nvml, folder / "libcuda.so.1")
    return folder


@pytest.fixture
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    """With one GPU of 8000 MiB at least; where it stands in, another one of 4000."""
    if os.environ.get("STENTOR_TEST_GPU"):
        return Driver({}, real=True)
    libraries: Path = request.getfixturevalue("libraries")
    found = os.environ.get("LD_LIBRARY_PATH")
    return Driver(
        {
            "LD_LIBRARY_PATH": f"{libraries}:{found}" if found else str(libraries),
            "STAND_IN_GPU": str(tmp_path),
            "STAND_IN_GPUS_MIB": "8000,4000",
        },
        real=False,
    )
