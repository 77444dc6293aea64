"""One server with engines that lack what others have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ECHO, Server

OWN = f"""
[engines]
paths = ['{Path(__file__).parents[1] / "own"}']
[models.plain]
backends = [{{ engine = "plain" }}]
[models.moody]
backends = [{{ engine = "moody" }}]
[models.parrot]
backends = [{{ engine = "parrot" }}]
"""


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    with Server(OWN + ECHO) as running:
        yield running
