"""Building an engine's environment, with uv."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import uv

import stentor_engine
from stentor.ended import ended
from stentor.errors import ModelUnavailable
from stentor.lifecycle.child import Child
from stentor.lifecycle.environments.environment import COMPLETE, Environment, takes_python
from stentor.lifecycle.environments.inventory import described, lost_files, take_inventory
from stentor.lifecycle.environments.script import Script
from stentor.lifecycle.keeper import kept
from stentor.lifecycle.variables import without_secrets
from stentor.storage.locks import PARTIAL, locked
from stentor.storage.size import size_of

SDK = Path(stentor_engine.__file__).parent
SDK_NEEDS = ("wyoming", "numpy")
"""What the SDK imports."""
OLD = ".old"
"""What the name of a damaged one ends with once there is another in its place."""
REGISTRY = "registry"
"""The build of PyTorch that the usual registry of packages has, where PyTorch's own is not to be
reached."""
FROM_PYTORCH = (
    *("torch", "torchaudio", "torchvision", "triton", "triton-rocm", "triton-xpu"),
    *("pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu"),
)
"""What comes from PyTorch's own registry. It does not tell of every file when it was published, and
uv leaves out those of which a bound asks that.
"""
TAIL = 2_000
"""Characters of uv's own words that explain a failed build."""
READ = 4096
"""Bytes that are read of it at once."""
END_TIMEOUT = 2.0
"""Seconds in which uv, whose work is given up, is ended with all that it started."""

NOT_REACHED = "Failed to fetch"
PYTORCHS_OWN = re.compile(rf"{NOT_REACHED}: \S+/whl/\w+/")
"""The address of one of PyTorch's builds."""

Told = Callable[[str], None]


class BuildFailed(ModelUnavailable):
    """`advice`: what to do about it, where that can be told; for who heard all that uv said."""

    def __init__(self, said: str, advice: str) -> None:
        self.advice = f"; {advice}" if advice else ""
        super().__init__(f"its environment cannot be built: {said}{self.advice}")


async def build(
    environment: Environment,
    script: Script,
    *,
    torch: str,
    timeout: float,
    told: Told,
    anew: bool = False,
) -> None:
    """Makes it ready and whole, or leaves what was there. Several processes may want it at once:
    one makes it.

    `anew`: also where nothing of it is lost, and from packages that are fetched for it: uv's cache
    has the same files as what was built from it, and so the same harm. `told` hears uv's lines as
    they come. Raises BuildFailed, with the end of what uv said, or ModelUnavailable.
    """
    root, key = environment.folder.parent, environment.folder.name
    waits = partial(told, "another process installs it: waiting for that")
    try:
        async with asyncio.timeout(timeout), locked(root, key, waits):
            lost = await asyncio.to_thread(lost_files, environment)
            if lost:
                told(f"its environment is damaged, and built anew: {described(lost)}")
            if anew or lost or not environment.ready:
                cache = ["--no-cache"] if anew else []
                await _build(environment, script, [*cache, *resolving(script, torch)], told)
    except TimeoutError as error:
        raise ModelUnavailable(f"its environment was not built within {timeout:g} s") from error
    except OSError as error:
        raise ModelUnavailable(f"its environment cannot be built: {error.strerror}") from error


async def _build(
    environment: Environment, script: Script, options: Sequence[str], told: Told
) -> None:
    """Beside its place, and moved there when it is complete: half of one is never started. A worker
    that runs from an old one goes on, and finds there what it imports from then on.
    """
    folder = environment.folder
    unfinished = Environment(folder.with_name(f"{folder.name}{PARTIAL}"))
    old = folder.with_name(f"{folder.name}{OLD}{PARTIAL}")
    await _remove(unfinished.folder)  # of one that was killed
    await _remove(old)
    try:
        unfinished.folder.mkdir()
        await _uv(_make(unfinished, script), unfinished, told)
        await _uv(_install(unfinished, script, options), unfinished, told)
        _place_sdk(_site(unfinished))
        parts = {
            "dependencies": script.dependencies,
            "exclude_newer": script.exclude_newer,
            "bytes": await asyncio.to_thread(size_of, unfinished.folder),
            "sdk": _sdk_version(),
        }
        await asyncio.to_thread(take_inventory, unfinished)
        (unfinished.folder / COMPLETE).write_text(json.dumps(parts))
        if folder.exists():
            os.replace(folder, old)
        os.replace(unfinished.folder, folder)
    finally:
        await _remove(unfinished.folder)
        await _remove(old)


async def _remove(folder: Path) -> None:
    """Gigabytes take a while; whoever cancels this waits for it, and keeps the lock meanwhile."""
    removing = partial(shutil.rmtree, folder, ignore_errors=True)
    await ended([asyncio.get_running_loop().run_in_executor(None, removing)])


def _make(environment: Environment, script: Script) -> list[str]:
    """With the gateway's own Python where the engine takes it: nothing is downloaded then."""
    python = sys.executable if takes_python(script) else script.requires_python
    options = ["--no-project", "--relocatable", "--allow-existing", "--python", python]
    return ["venv", *options, str(environment.folder)]


def _install(environment: Environment, script: Script, options: Sequence[str]) -> list[str]:
    return [
        *("pip", "install", "--python", str(environment.python)),
        *options,
        *script.dependencies,
        *SDK_NEEDS,
    ]


def resolving(script: Script, torch: str) -> list[str]:
    """uv's options that tell which versions count, and which build of PyTorch."""
    newer = ["--exclude-newer", script.exclude_newer] if script.exclude_newer else []
    if torch == REGISTRY:
        return newer
    unbound = [f"--exclude-newer-package={name}=false" for name in FROM_PYTORCH if newer]
    return ["--torch-backend", torch, *newer, *unbound]


def renew_sdk(environment: Environment) -> None:
    """An environment outlives many versions of ours: a worker gets the SDK of its gateway, and gets
    it back where it is not whole. One that runs has long imported the old one. Blocks. Raises
    OSError or ValueError where the environment is none any more.
    """
    complete, version = environment.folder / COMPLETE, _sdk_version()
    parts = json.loads(complete.read_text())
    site = _site(environment)
    if parts.get("sdk") == version and _has_sdk(site):
        return
    with tempfile.TemporaryDirectory(prefix="sdk-", dir=environment.folder) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        _place_sdk(new)
        if (site / SDK.name).exists():
            os.replace(site / SDK.name, old)
        os.replace(new / SDK.name, site / SDK.name)
        told = Path(folder) / COMPLETE
        told.write_text(json.dumps({**parts, "sdk": version}))
        os.replace(told, complete)


def _sdk_version() -> str:
    digest = hashlib.sha256()
    for name in _sdk_files():
        digest.update(name.encode() + b"\0" + (SDK / name).read_bytes())
    return digest.hexdigest()[:16]


def _sdk_files() -> list[str]:
    return sorted(file.relative_to(SDK).as_posix() for file in SDK.rglob("*.py"))


def _has_sdk(site: Path) -> bool:
    return all((site / SDK.name / name).is_file() for name in _sdk_files())


def _site(environment: Environment) -> Path:
    places = ("lib/python*/site-packages", "Lib/site-packages")
    (site,) = (found for place in places for found in environment.folder.glob(place))
    return site


def _place_sdk(folder: Path) -> None:
    """A copy: the worker needs the SDK, and nothing else of ours."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SDK, folder / SDK.name, ignore=ignored)


async def _uv(arguments: list[str], environment: Environment, told: Told) -> None:
    """Raises BuildFailed. Cancelled, it leaves nothing of uv and of what that has started, for a
    package may build itself; where there is a keeper, a gateway that is killed does so, too.
    """
    env = {**without_secrets(), "TMPDIR": str(environment.folder)}  # it leaves its locks there
    command = kept([uv.find_uv_bin(), *arguments], timeout=0)
    child = await Child.spawn(command, env=env, merged=True)
    try:
        said = await heard(child.stdout, told)
        code = await child.exited()
    finally:
        await child.end(timeout=END_TIMEOUT, kill=child.kill)
        child.close()
    if code != 0:
        raise BuildFailed(_error(said), _advice(said))


async def heard(output: asyncio.StreamReader, told: Told) -> str:
    """Tells all of its lines; gives what it said last."""
    said, rest = "", b""
    while piece := await output.read(READ):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            said = _tell(line, said, told)
    return _tell(rest, said, told) if rest else said


def _tell(line: bytes, said: str, told: Told) -> str:
    text = line.decode(errors="replace").rstrip()
    if not text.startswith("Activate with: "):  # it is for no shell
        told(text)
    return f"{said}\n{text}"[-TAIL:]


def _error(said: str) -> str:
    """Without how far it had come."""
    lines = said.strip().splitlines()
    begins = (at for at, line in enumerate(lines) if line.startswith("error: "))
    return "\n".join(lines[next(begins, 0) :])


def _advice(said: str) -> str:
    if PYTORCHS_OWN.search(said):
        return (
            'PyTorch\'s own registry is not reached: torch = "registry" in [engines] takes the '
            "build of the usual one"
        )
    if NOT_REACHED in said:
        return "the registry of packages is not reached: UV_DEFAULT_INDEX names another one"
    return ""
