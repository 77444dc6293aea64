"""What an engine's file declares is what it loads: fetched from a stand-in for the hub, whose files
its recipe made.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from stentor.lifecycle.environments.environment import Environment
from tests.engines.conftest import TORCH
from tests.engines.hearing import KNOWN
from tests.hub import Hub
from tests.servers import Server

CONFIG = """
[engines]
pull_on_request = true
[models.fetched]
{weights}
backends = [{{ engine = "{engine}", device = "cpu" }}]
"""


Fetching = Callable[[str, str, Hub], AbstractContextManager[Server]]


@pytest.fixture
def fetching(environment: Callable[[str], Environment], data_dir: Path, tmp_path: Path) -> Fetching:
    """A server with nothing but the engine's environment, and that hub."""
    (tmp_path / "environments").symlink_to(data_dir / "environments")

    def server(engine: str, weights: str, hub: Hub) -> Server:
        environment(engine)
        return Server(
            CONFIG.format(engine=engine, weights=weights),
            HF_ENDPOINT=hub.url,
            HF_HOME=str(tmp_path / "hf"),
            STENTOR_DATA_DIR=str(tmp_path),
            STENTOR_ENGINES__TORCH=TORCH,
        )

    return server


def test_whisper(fetching: Fetching, recipe: Callable[[str], Path]) -> None:
    folder = recipe("faster-whisper") / "multilingual"
    with Hub() as hub:
        hub.add("Systran/faster-whisper-tiny", {f.name: f.read_bytes() for f in folder.iterdir()})
        with (
            fetching("faster-whisper", 'weights = "tiny"', hub) as server,
            server.client() as client,
        ):
            speech = client.audio.speech.create(model="espeak", voice="en-us", input="Hello.")
            heard = client.audio.transcriptions.create(
                model="fetched", file=("speech.mp3", speech.content)
            )
    assert heard.text == KNOWN


def test_a_voice(fetching: Fetching, recipe: Callable[[str], Path], tmp_path: Path) -> None:
    made = recipe("piper") / "en_GB-alan-low.onnx"
    place = "en/en_US/lessac/medium"
    with Hub() as hub:
        hub.add(
            "rhasspy/piper-voices",
            {
                "README.md": b"voices",
                f"{place}/MODEL_CARD": b"licence",
                f"{place}/en_US-lessac-medium.onnx": made.read_bytes(),
                f"{place}/en_US-lessac-medium.onnx.json": Path(f"{made}.json").read_bytes(),
                f"{place}/samples/speaker_0.mp3": b"sound",
                "en/en_US/lessac/high/en_US-lessac-high.onnx": b"another",
            },
        )
        with fetching("piper", "", hub) as server, server.client() as client:
            speech = client.audio.speech.create(
                model="fetched", voice="en_US-lessac-medium", input="Hello."
            )
    assert len(speech.content) > 1_000
    (folder,) = (tmp_path / "weights").glob("rhasspy--*")
    names = {file.name for file in folder.rglob("*") if file.is_file()}
    voice = {"MODEL_CARD", "en_US-lessac-medium.onnx", "en_US-lessac-medium.onnx.json"}
    assert names == voice | {"complete.json"}
