from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.foreign import Foreign


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    with tempfile.TemporaryDirectory() as folder:
        yield Foreign(Path(folder))
