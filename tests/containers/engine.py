"""A real container engine for tests: Podman, with storage of its own, behind Docker's API."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.wait import until

IMAGE = "localhost/stentor-test"
SERVER = Path(__file__).parent / "server.py"
LIMITS = '["nofile=1000:1000", "nproc=1000:1000"]'
"""What a machine that itself is a container may not raise."""
PORT = 8006


class Podman:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="st-podman-"))
        runtime = next(each for each in ("crun", "runc") if shutil.which(each))
        (self.folder / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = {LIMITS}\n[engine]\nruntime = "{runtime}"\n'
        )
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/root"\n'
            f'runroot = "{self.folder}/run"\n'
        )
        self._environment = {
            **os.environ,
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }
        self.url = f"unix://{self.folder}/podman.sock"

    def __enter__(self) -> Self:
        self._service = subprocess.Popen(
            ["podman", "system", "service", "--time=0", self.url],
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )
        try:
            until(self._listens, "Podman listens")
            self._build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run("rm", "--all", "--force", "--time=0")
        self.run("rmi", "--all", "--force")
        self._service.terminate()
        self._service.wait(20)
        shutil.rmtree(self.folder)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["podman", *arguments], env=self._environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def containers(self, *, running: bool = False) -> list[dict[str, Any]]:
        listed = json.loads(self.run("ps", "--format=json", *([] if running else ["--all"])))
        assert isinstance(listed, list)
        return listed

    def _listens(self) -> bool:
        assert self._service.poll() is None, "Podman ended"
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.folder / "podman.sock")) == 0

    def _build(self) -> None:
        """FROM scratch: what it needs beside its program is mounted from this machine."""
        context = self.folder / "image"
        context.mkdir()
        shutil.copy(SERVER, context / "server.py")
        (context / "Containerfile").write_text(
            "FROM scratch\nCOPY server.py /server.py\n"
            f'ENTRYPOINT ["{python()}", "/server.py"]\nCMD ["{PORT}"]\n'
        )
        self.run("build", "--quiet", "--tag", IMAGE, str(context))


def python() -> str:
    """The real one, outside of any virtual environment."""
    return os.path.realpath(sys.executable)


def volumes() -> list[str]:
    """This machine's Python and its libraries."""
    roots = {"/usr", "/lib", "/lib64", sys.base_prefix}
    return [f"{root}:{root}:ro" for root in sorted(roots) if Path(root).is_dir()]


def unusable() -> str | None:
    """Why there can be no Podman here."""
    if shutil.which("podman") is None:
        return "podman is not installed"
    if not any(shutil.which(each) for each in ("crun", "runc")):
        return "neither crun nor runc is installed"
    if sys.platform != "linux":
        return "the image takes its Python from a Linux machine"
    return None
