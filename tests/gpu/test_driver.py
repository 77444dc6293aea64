"""The driver that stands in, first asked by Nvidia's own package for Python, then by our code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.command import stentor
from tests.gpu.conftest import TELL, Driver

MIB = 2**20
TAKE = (
    """
import ctypes, os
cuda, context, device = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p(), ctypes.c_int()
address = ctypes.c_uint64()
def take(mib):
    return cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(mib << 20))
assert cuda.cuInit(0) == 0
assert cuda.cuDeviceGet(ctypes.byref(device), 0) == 0
assert cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device) == 0
assert cuda.cuCtxSetCurrent(context) == 0
assert take(3000) == 0
assert take(6000) == 2, "there is not so much"
assert cuda.cuMemFree_v2(address) in (0, 2)
pid = str(os.getpid())
"""
    + TELL
    + "print(pid)"
)
OURS = """
import json
from stentor.lifecycle.device import choose_device, devices_present
from stentor.lifecycle.gpus import gpus
from stentor.lifecycle.memory import device_sizes
print(json.dumps([
    [gpu.name for gpu in gpus()],
    device_sizes(),
    choose_device("auto", ["cuda", "cpu"], devices_present()),
]))
"""


@pytest.fixture(autouse=True)
def standing_in(driver: Driver) -> None:
    if driver.real:
        pytest.skip("the machine's own GPU is tested, and its driver is not ours")


def test_as_nvidias_package_sees_it(driver: Driver) -> None:
    first, second = driver.gpus()
    assert first == {"name": "Stand-in 0", "total": 8000 * MIB, "taken": {}}
    assert second == {"name": "Stand-in 1", "total": 4000 * MIB, "taken": {}}


def test_what_a_process_takes_is_gone_with_it(driver: Driver) -> None:
    told, pid = driver.run(TAKE).splitlines()
    taken = json.loads(told)[0]["taken"]
    assert set(taken) == {pid}
    assert driver.taken() == {}


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        (None, ["Stand-in 0", "Stand-in 1"]),
        ("1", ["Stand-in 1"]),
        ("1,0", ["Stand-in 1", "Stand-in 0"]),
        ("GPU-000000a1", ["Stand-in 1"]),
        ("0,7,1", ["Stand-in 0"]),
        ("", []),
    ],
)
def test_what_cuda_is_to_show_is_what_there_is(
    driver: Driver, shown: str | None, names: list[str]
) -> None:
    more = {} if shown is None else {"CUDA_VISIBLE_DEVICES": shown}
    seen, sizes, chosen = json.loads(driver.run(OURS, **more))
    assert seen == names
    del sizes["ram"]
    every = {"Stand-in 0": 8000 * MIB, "Stand-in 1": 4000 * MIB}
    assert sizes == {f"cuda:{index}": every[name] for index, name in enumerate(names)}
    assert chosen == ("cuda:0" if names else "cpu")


def test_what_is_proposed_for_a_gpu(driver: Driver, tmp_path: Path) -> None:
    """Beside what a processor can do, something better that needs it; the processor stays in use
    where CUDA is to show none.
    """
    environment = {**driver.environment, "STENTOR_DATA_DIR": str(tmp_path)}
    told = stentor("setup", "--dry-run", cwd=tmp_path, env=environment).stderr.decode()
    assert "kokoro" in told
    assert "chatterbox-turbo" in told
    environment["CUDA_VISIBLE_DEVICES"] = ""
    told = stentor("setup", "--dry-run", cwd=tmp_path, env=environment).stderr.decode()
    assert "kokoro" in told
    assert "chatterbox-turbo" not in told


def test_what_others_have_is_not_proposed(driver: Driver, tmp_path: Path) -> None:
    environment = {**driver.environment, "STENTOR_DATA_DIR": str(tmp_path)}
    with driver.stranger(5000):
        told = stentor("setup", "--dry-run", cwd=tmp_path, env=environment).stderr.decode()
    assert "a GPU with 4 GiB free" in told
    assert "chatterbox-turbo" not in told


def test_doctor_tells_of_them(driver: Driver, tmp_path: Path) -> None:
    environment = {**driver.environment, "STENTOR_DATA_DIR": str(tmp_path)}
    told = stentor("doctor", "--json", cwd=tmp_path, env=environment)
    (gpu,) = [each for each in json.loads(told.stdout) if each["about"] == "GPU"]
    assert gpu["what"].startswith("Stand-in 0 (8 GiB), Stand-in 1 (4 GiB)")
