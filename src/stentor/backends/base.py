"""What every way to a model looks like to the pipelines."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from stentor.lifecycle.service import AnyService
from stentor.types import AudioChunk
from stentor_engine import Capabilities, ConversionCall, SpeechCall, Transcript, TranscriptionCall


class Backend(Protocol):
    """All methods raise StentorError only; what is `retryable` may be tried again, or elsewhere."""

    @property
    def name(self) -> str: ...

    @property
    def slots(self) -> int:
        """How many calls it takes at once."""

    @property
    def healthy(self) -> bool:
        """False: do not begin here if another backend can be had."""

    @property
    def open(self) -> bool:
        """False: requests that have not entered yet have to wait."""

    @property
    def warm(self) -> bool:
        """A call would begin at once."""

    @property
    def ready_at(self) -> float:
        """Seconds of the monotonic clock since when a call can begin, or when that is expected."""

    @property
    def service(self) -> AnyService | None:
        """What is started and stopped on this machine for it, if there is such a thing."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """It is called whenever one of the properties above may be another."""

    def enter(self) -> None:
        """A request begins to use it: it is not stopped for another's sake before `leave`."""

    def leave(self) -> None:
        """The request has ended."""

    async def ensure_ready(self) -> Capabilities:
        """Start what must be started; raises ModelUnavailable within the start deadline."""

    def speak(self, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        """Closing it early cancels the call. Ends only when all of the text was spoken."""

    def listen(self, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        """Closing it early cancels the call."""

    def convert(self, call: ConversionCall) -> AsyncGenerator[AudioChunk, None]:
        """Closing it early cancels the call. Ends only when all of the audio was converted."""

    async def close(self) -> None:
        """Let running calls end, within a deadline, and stop what was started."""
