"""Who has engines alone does not wait for what other kinds of backends need."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATE = {"aiohttp", "aiodocker"}
BUILD = """
import sys
from stentor.config import Config
import stentor.api.upstream
from stentor.app import create_app
create_app(Config())
print(" ".join(sys.modules))
"""


@pytest.mark.parametrize("servers", [False, True])
def test_clients_are_imported_only_where_they_are_used(servers: bool, tmp_path: object) -> None:
    backend = '{"kind": "process", "command": ["x"], "task": "speech"}'
    models = f'{{"far": {{"backends": [{backend}]}}}}' if servers else "{}"
    done = subprocess.run(
        [sys.executable, "-c", BUILD],
        env={"STENTOR_MODELS": models, "STENTOR_DATA_DIR": str(tmp_path), "HOME": str(tmp_path)},
        cwd=str(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert LATE & set(done.stdout.split()) == (LATE if servers else set())
