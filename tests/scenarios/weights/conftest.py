from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub
from tests.scenarios.weights.machine import EXTRA, FILES, Machine


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        running.add("maker/model", FILES)
        running.add("maker/small", {"model.bin": b"small"})
        running.files["extra"] = EXTRA
        yield running


@pytest.fixture
def machine(tmp_path: Path, hub: Hub) -> Iterator[Machine]:
    """No process of it outlives the test."""
    machine = Machine(tmp_path, hub)
    yield machine
    for process in machine.processes:
        if process.poll() is None:
            process.kill()
            process.communicate()
