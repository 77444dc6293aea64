"""Speech: the story of one request, from its text to the bytes of its answer.

    text ─▶ clean ─▶ segments ─▶ calls ─▶ audio, a few segments ahead ─▶ joined, encoded

Everything that can be wrong with a request is told before `speak` returns: it returns when the
first bytes of audio are there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, closing
from dataclasses import dataclass, replace

from stentor.audio.encode import new_encoder
from stentor.backends.base import Backend
from stentor.errors import InvalidRequest, TextTooLong
from stentor.pipelines.fit import fit_speech
from stentor.pipelines.in_order import in_order
from stentor.pipelines.key import resolve_seed, segment_key
from stentor.pipelines.render import Renderer, batches
from stentor.pipelines.segment import speak_segment
from stentor.routing.models import Model, Models
from stentor.text.clean import clean
from stentor.text.segment import Boundary, segment
from stentor.threads import Threads
from stentor.types import AudioChunk, Priority, SpeechRequest
from stentor_engine import Capabilities, SpeechCall

PAUSES = {
    Boundary.FORCED: 0.0,
    Boundary.CLAUSE: 0.15,
    Boundary.SENTENCE: 0.4,
    Boundary.PARAGRAPH: 0.8,
    Boundary.END: 0.1,
}
"""Seconds of silence after a segment, at speed 1."""
AHEAD_MOST = 8
"""Segments begun beyond the one that is being heard, at most: they wait in memory."""


@dataclass(frozen=True)
class Planned:
    """A segment to be spoken, as the client wished. `pause`: seconds of silence after it."""

    wish: SpeechCall
    pause: float


class Speech:
    """An answer that has begun. Close it, also early: that ends all work for it."""

    def __init__(self, model: str, renderer: Renderer, content_type: str) -> None:
        self.model = model
        self.content_type = content_type
        self.backend = ""
        """The name of the one that spoke last."""
        self._renderer = renderer
        self._first = b""
        self._rest: AsyncGenerator[bytes, None]

    @property
    def seconds(self) -> float:
        """Of audio rendered so far."""
        return self._renderer.seconds

    async def begin(self, audio: AsyncGenerator[bytes, None]) -> None:
        """Takes the first bytes: what fails before them is raised here."""
        self._rest = audio
        self._first = await anext(audio)

    async def audio(self) -> AsyncIterator[bytes]:
        yield self._first
        async for encoded in self._rest:
            yield encoded

    async def aclose(self) -> None:
        await self._rest.aclose()


class Speaker:
    def __init__(self, models: Models, threads: Threads, *, max_chars: int) -> None:
        self._models = models
        self._threads = threads
        self._max_chars = max_chars

    async def speak(self, request: SpeechRequest, priority: Priority = Priority.LIVE) -> Speech:
        """Raises StentorError for whatever is wrong before the first audio."""
        text = await self._prepare(request.text)
        model = self._models.find(request.model)
        encoder = new_encoder(request.format, request.sample_rate)
        renderer = Renderer(encoder, request.sample_rate)
        speech = Speech(model.name, renderer, encoder.content_type)
        await speech.begin(self._render(request, text, model, priority, renderer, speech))
        return speech

    async def _prepare(self, text: str) -> str:
        if len(text) > self._max_chars:
            raise TextTooLong(f"input is longer than {self._max_chars} characters", param="input")
        text = await self._threads.run(clean, text)
        if not text:
            raise InvalidRequest("input is empty", param="input")
        return text

    async def _render(
        self,
        request: SpeechRequest,
        text: str,
        model: Model,
        priority: Priority,
        renderer: Renderer,
        speech: Speech,
    ) -> AsyncGenerator[bytes, None]:
        with closing(renderer), model.scheduler.admit(priority) as admission:
            plans = plan(request, text, model, await model.able("speech"))

            def speak(planned: Planned) -> AsyncGenerator[tuple[AudioChunk, Backend], None]:
                return speak_segment(planned.wish, admission)

            ahead = min(AHEAD_MOST, model.scheduler.slots)
            async with aclosing(in_order(plans, speak, ahead=ahead)) as segments:
                async for segment in segments:
                    async for spoken in segment.results():
                        speech.backend = spoken[-1][1].name
                        for chunks in batches([chunk for chunk, _ in spoken]):
                            if encoded := await self._threads.run(renderer.push, chunks):
                                yield encoded
                    pause = segment.plan.pause
                    if encoded := await self._threads.run(renderer.end_segment, pause):
                        yield encoded
            if not renderer.spoken:
                raise InvalidRequest("the voice can say nothing of the input", param="input")
            yield await self._threads.run(renderer.finish)


async def plan(
    request: SpeechRequest, text: str, model: Model, capabilities: Capabilities
) -> AsyncGenerator[Planned, None]:
    """The calls for a text, one by one as they are asked for; raises InvalidRequest."""
    wish = SpeechCall(
        text="",
        voice=request.voice,
        language=request.language,
        speed=request.speed,
        options=request.options,
    )
    call = fit_speech(wish, capabilities)
    for piece in segment(text, language=request.language, max_chars=capabilities.max_chars):
        said = piece.text.strip()
        key = segment_key(replace(call, text=said), model=model.name, revision=model.revision)
        spoken = replace(wish, text=said, seed=resolve_seed(request.seed, key))
        yield Planned(spoken, PAUSES[piece.boundary] / request.speed)
