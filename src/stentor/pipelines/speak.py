"""Speech: the story of one request, from its text to the bytes of its answer.

    text ─▶ clean ─▶ segments ─▶ calls ─▶ audio, a few segments ahead ─▶ joined, encoded

Everything that can be wrong with a request is told before `speak` returns: it returns when the
first bytes of audio are there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, closing

from stentor.audio.encode import new_encoder
from stentor.backends.base import Backend
from stentor.errors import InvalidRequest, TextTooLong
from stentor.pipelines.fit import fit_speech
from stentor.pipelines.in_order import in_order
from stentor.pipelines.plan import Planned, plan, wish_for
from stentor.pipelines.render import Renderer, batches
from stentor.pipelines.segment import speak_segment
from stentor.routing.models import Model, Models
from stentor.text.clean import clean
from stentor.threads import Threads
from stentor.types import AudioChunk, Priority, Rendered, SpeechRequest
from stentor_engine import Capabilities, SpeechCall

AHEAD_MOST = 8
"""Segments begun beyond the one that is being heard, at most: they wait in memory."""


class Speech:
    """An answer that has begun. Close it, also early: that ends all work for it."""

    def __init__(self, model: str, characters: int, renderer: Renderer, content_type: str) -> None:
        self.model = model
        self.characters = characters
        """Of the text, without what cannot be spoken."""
        self.content_type = content_type
        self.backend = ""
        """The name of the one that spoke last."""
        self.voice: str | None = None
        """The model's own id for it."""
        self.ignored: tuple[str, ...] = ()
        """Fields of the request that this model cannot follow."""
        self._renderer = renderer
        self._first = Rendered()
        self._rest: AsyncGenerator[Rendered, None]

    @property
    def seconds(self) -> float:
        """Of audio rendered so far."""
        return self._renderer.seconds

    async def begin(self, pieces: AsyncGenerator[Rendered, None]) -> None:
        """Takes the first audio: what fails before it is raised here."""
        self._rest = pieces
        words = self._first.words
        while not self._first.audio:
            self._first = await anext(pieces)
            words += self._first.words
        self._first = Rendered(self._first.audio, words)

    async def pieces(self) -> AsyncIterator[Rendered]:
        yield self._first
        async for piece in self._rest:
            yield piece

    async def audio(self) -> AsyncIterator[bytes]:
        async for piece in self.pieces():
            if piece.audio:
                yield piece.audio

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
        speech = Speech(model.name, len(text), renderer, encoder.content_type)
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
    ) -> AsyncGenerator[Rendered, None]:
        with closing(renderer), model.scheduler.admit(priority) as admission:
            capabilities = await model.able("speech", admission)
            wish = await self._threads.run(wish_for, request, text, capabilities)
            plans = plan(request, text, wish, model, capabilities, self._threads)
            _tell(speech, request, wish, capabilities)

            def speak(planned: Planned) -> AsyncGenerator[tuple[AudioChunk, Backend], None]:
                return speak_segment(planned.wish, admission)

            ahead = min(AHEAD_MOST, model.scheduler.slots)
            async with aclosing(in_order(plans, speak, ahead=ahead)) as segments:
                async for segment in segments:
                    renderer.begin_segment(segment.plan.wish.text)
                    async for spoken in segment.results():
                        speech.backend = spoken[-1][1].name
                        for chunks in batches([chunk for chunk, _ in spoken]):
                            yield await self._threads.run(renderer.push, chunks)
                    yield await self._threads.run(renderer.end_segment, segment.plan.pause)
            if not renderer.spoken:
                raise InvalidRequest("the voice can say nothing of the input", param="input")
            yield Rendered(await self._threads.run(renderer.finish))


def _tell(
    speech: Speech, request: SpeechRequest, wish: SpeechCall, capabilities: Capabilities
) -> None:
    """Who speaks, and what of the request cannot be followed; raises InvalidRequest for what the
    answer would be wrong without.
    """
    if request.timestamps and not capabilities.word_times:
        raise InvalidRequest(
            f"model '{speech.model}' does not tell when its words are heard", param="timestamps"
        )
    call = fit_speech(wish, capabilities)
    speech.voice = call.voice
    if call.instructions != wish.instructions:
        speech.ignored = ("instructions",)
