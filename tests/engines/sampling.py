"""What engines that draw tokens of audio, in the voice of a recording, have to do alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tests.audio import Samples
from tests.engines.conftest import Inside
from tests.engines.speaking import spoken
from tests.servers import Server

TEXT = "Hello there, you who listen."


class Say(Protocol):
    def __call__(self, server: Server, text: str = TEXT, **more: object) -> Samples: ...


@dataclass(frozen=True)
class Tokens:
    """`rate` in Hz; `size`: samples of a token."""

    rate: int
    size: int

    @property
    def pause(self) -> int:
        """Samples of silence that the gateway puts behind a segment at speed 1."""
        return self.rate // 10

    def say(self, server: Server, text: str = TEXT, **more: object) -> Samples:
        asked = {"model": "tiny", "seed": 1, "sample_rate": self.rate} | more
        model = str(asked.pop("model"))
        return spoken(server, text, model=model, rate=self.rate, **asked)  # type: ignore[arg-type]

    def of_the_model(self, audio: Samples) -> int:
        """Samples of it that the model made. A ramp before them is shorter than a token."""
        return (len(audio) - self.pause) // self.size * self.size

    def assert_sound(self, audio: Samples, samples: int) -> None:
        """So many samples of it, and silence behind them."""
        assert self.of_the_model(audio) == samples
        assert np.abs(audio[: -self.pause].astype(float)).mean() > 100
        assert not audio[-self.pause // 2 :].any()


def assert_equal_seeds_are_equal(server: Server, engine: str, say: Say, recording: str) -> None:
    """In another process too, and in another order: nothing hangs on what was said before."""
    first, cloned = say(server), say(server, reference_audio=recording)
    assert not np.array_equal(first, say(server, seed=2))
    assert not np.array_equal(first, say(server, "Something else is said."))
    (worker,) = {each for each in server.workers(engine) if "tiny" in " ".join(each.cmdline())}
    worker.kill()
    worker.wait()
    assert np.array_equal(cloned, say(server, reference_audio=recording))
    assert np.array_equal(first, say(server))


def assert_takes_on_voices(
    server: Server, say: Say, one: str, other: str, option: str, value: int
) -> Samples:
    """Of two recordings, whatever was computed of which before: the values of an option that follow
    keep the gateway and the worker from knowing an answer already. What the first one sounds like.
    """

    def cloned(recording: str, more: int) -> Samples:
        return say(server, reference_audio=recording, options={option: value + more})

    first, second, third = cloned(one, 0), cloned(other, 1), cloned(one, 2)
    assert not np.array_equal(first, say(server))
    assert not np.array_equal(first, second)
    assert np.array_equal(cloned(one, 2), third)
    assert not np.array_equal(cloned(other, 2), third)
    return first


def assert_no_end_is_told(server: Server, **more: object) -> None:
    body = {"model": "endless", "voice": "alloy", "input": "Hello.", "stream": False} | more
    answer = server.http.post("/v1/audio/speech", json=body, timeout=120)
    assert answer.status_code >= 500
    assert "did not come to an end" in answer.text


FULL = """
import json, sys
from pathlib import Path
import numpy as np, torch
from stentor_engine import OutOfMemory, Reference, Settings, SpeechCall, complete_options
from stentor_engine.loader import engine_class

_, file, name, weights, encoder, decoder = sys.argv
engine = engine_class(Path(file), name)(Settings(weights=weights, device="cpu"))
noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32) / 9
options = complete_options(engine.capabilities.options)
call = SpeechCall("Hello.", options=options, reference=Reference("noise", noise))
counted = []

def part(path):
    found = engine
    for name in path.split("."):
        found = getattr(found, name)
    return found

def full(*_):
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

def spoken():
    try:
        return sum(len(piece) for piece in engine.synthesize(call) if piece is not None)
    except OutOfMemory as error:
        return str(error)

part(encoder).register_forward_hook(lambda *_: counted.append(1))
answers = []
for path in (encoder, decoder, None, None):
    handle = part(path).register_forward_hook(full) if path else None
    answers.append(spoken())
    if handle:
        handle.remove()
print(json.dumps([*answers, len(counted)]))
"""
"""Run in the engine's environment: no GPU is here to be full."""


def said_after_a_full_gpu(
    engine: str, inside: Inside, weights: Path, *, encoder: str, decoder: str
) -> int:
    """Samples, when the GPU was full while a recording was heard, and while sound was made: both
    are told. `encoder`, `decoder`: where they are in the engine's object. What was computed of the
    recording is kept: it was heard twice, and full the first time.
    """
    of_voice, of_sound, whole, again, heard = inside(
        engine, FULL, engine, str(weights), encoder, decoder
    )
    assert "Tried to allocate" in of_voice
    assert "Tried to allocate" in of_sound
    assert whole == again
    assert heard == 2
    return int(whole)
