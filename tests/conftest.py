from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests.audio import decoded, wav
from tests.servers import ECHO, Server

SPEECH = Path(__file__).parents[2] / "shared" / "speech"


def pytest_configure() -> None:
    # When numpy is imported, its threads wait for work by spinning; a thousand processes do that.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    # How long an example takes is no property of our code: a machine may be busy.
    settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("untimed")


class StartServer(Protocol):
    def __call__(self, config: str = ECHO, **environment: str) -> Server: ...


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts servers that end with the test, and checks then that they leave nothing behind."""
    with ExitStack() as servers:

        def start(config: str = ECHO, **environment: str) -> Server:
            return servers.enter_context(Server(config, **environment))

        yield start


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def recording() -> Path:
    """A real recording: "And so my fellow Americans ask not …", 11 s."""
    file = SPEECH / "jfk.flac"
    if not file.is_file():
        pytest.skip("the folder of recorded speech is not beside the checkout")
    return file


@pytest.fixture(scope="session")
def sentence(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its end, "ask what you can do for your country", 2.9 s: for tests of how it is asked about,
    and not of how well it is heard.
    """
    samples, rate = decoded(recording.read_bytes())
    file = tmp_path_factory.mktemp("sentence") / "sentence.wav"
    file.write_bytes(wav(samples[int(8.1 * rate) :], rate))
    return file
