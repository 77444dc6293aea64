"""Which Python environment an engine runs in: one for each set of dependencies. Pure but for a look
at what is installed.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stentor.lifecycle.environments.script import Script
from stentor.storage.size import size_of

COMPLETE = "complete.json"
"""The file that says that an environment was built to its end, and of what."""


@dataclass(frozen=True)
class Environment:
    """A folder with a Python of its own."""

    folder: Path

    @property
    def python(self) -> Path:
        if sys.platform == "win32":
            return self.folder / "Scripts" / "python.exe"
        return self.folder / "bin" / "python"

    @property
    def ready(self) -> bool:
        """It was built to its end, and the Python that it was made with is still there."""
        return (self.folder / COMPLETE).is_file() and self.python.exists()

    @property
    def size(self) -> int:
        """Bytes on the disk, as they were when it was built; counted where that is not known, which
        takes long.
        """
        try:
            return int(json.loads((self.folder / COMPLETE).read_text())["bytes"])
        except (OSError, ValueError, TypeError, KeyError):
            return size_of(self.folder)


def environment_key(script: Script, *, torch: str) -> str:
    """Equal for engines that can share an environment: equal dependencies, on this kind of machine,
    with this Python. `torch`: which build of PyTorch, as uv names its backends.
    """
    parts = {
        "dependencies": script.dependencies,
        "requires_python": script.requires_python,
        "exclude_newer": script.exclude_newer,
        "torch": torch,
        "platform": f"{sys.platform}-{platform.machine()}",
        "python": sys.version_info[:2],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def satisfied_here(script: Script) -> bool:
    """The gateway's own environment has all of it, in the right versions."""
    return takes_python(script) and all(
        _installed(Requirement(each)) for each in script.dependencies
    )


def takes_python(script: Script) -> bool:
    """The gateway's own one."""
    here = ".".join(map(str, sys.version_info[:3]))
    return not script.requires_python or SpecifierSet(script.requires_python).contains(here)


def _installed(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    if requirement.url is not None:
        return False
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False
