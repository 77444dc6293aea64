"""Transcription: the story of one request, from an uploaded file to the pieces of its transcript.

    file ─▶ 16 kHz mono ─▶ speech packed into windows ─▶ heard, in order ─▶ times in the file

The file is read as it is needed: memory does not grow with its length.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from stentor.audio.window_reader import WindowReader
from stentor.audio.windows import Window
from stentor.backends.base import Backend
from stentor.pipelines.fit import fit_transcription
from stentor.pipelines.in_order import in_order
from stentor.pipelines.window import hear_window
from stentor.routing.models import Model, Models
from stentor.threads import Threads
from stentor.types import Priority, Segment, TranscriptionRequest, Word
from stentor_engine import Transcript, TranscriptionCall

AHEAD_MOST = 4
"""Windows begun beyond the one that is being read, at most: they wait in memory."""


class Transcription:
    """An answer that has begun. Close it, also early: that ends all work for it."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.backend = ""
        """The name of the one that heard last."""
        self.language: str | None = None
        self.seconds = 0.0
        """Of audio read so far: after the last segment, the length of the file."""
        self._first: Segment | None = None
        self._rest: AsyncGenerator[Segment, None]

    async def begin(self, segments: AsyncGenerator[Segment, None]) -> None:
        """Takes the first segment: what fails before it is raised here."""
        self._rest = segments
        self._first = await anext(segments, None)

    async def segments(self) -> AsyncIterator[Segment]:
        if self._first is not None:
            yield self._first
        async for segment in self._rest:
            yield segment

    async def aclose(self) -> None:
        await self._rest.aclose()


class Listener:
    def __init__(self, models: Models, threads: Threads, *, max_seconds: float) -> None:
        """`max_seconds`: the longest audio that one request may bring."""
        self._models = models
        self._threads = threads
        self._max_seconds = max_seconds

    async def listen(
        self,
        request: TranscriptionRequest,
        file: BinaryIO,
        priority: Priority = Priority.LIVE,
    ) -> Transcription:
        """`file` is seekable and stays open until the answer is closed. Raises StentorError for
        whatever is wrong before the first segment.
        """
        model = self._models.find(request.model)
        transcription = Transcription(model.name)
        await transcription.begin(self._hear(request, file, model, priority, transcription))
        return transcription

    async def _hear(
        self,
        request: TranscriptionRequest,
        file: BinaryIO,
        model: Model,
        priority: Priority,
        transcription: Transcription,
    ) -> AsyncGenerator[Segment, None]:
        with model.scheduler.admit(priority) as admission:
            capabilities = await model.able("transcription")
            wish = TranscriptionCall(
                audio=np.zeros(0, np.float32),
                language=request.language,
                prompt=request.prompt,
                temperature=request.temperature,
                options=request.options,
            )
            transcription.language = fit_transcription(wish, capabilities).language

            def hear(window: Window) -> AsyncGenerator[tuple[Transcript, Backend], None]:
                return hear_window(replace(wish, audio=_samples(window)), admission, self._threads)

            windows = self._read(file, capabilities.window, transcription)
            ahead = min(AHEAD_MOST, model.scheduler.slots)
            async with aclosing(in_order(windows, hear, ahead=ahead)) as running:
                async for window in running:
                    async for heard in window.results():
                        for transcript, backend in heard:
                            transcription.backend = backend.name
                            yield _in_file(transcript, window.plan)

    async def _read(
        self, file: BinaryIO, window_seconds: float, transcription: Transcription
    ) -> AsyncGenerator[Window, None]:
        reader = await self._threads.run(
            WindowReader, file, max_seconds=self._max_seconds, window_seconds=window_seconds
        )
        try:
            while (windows := await self._threads.run(reader.read)) is not None:
                transcription.seconds = reader.seconds
                for window in windows:
                    yield window
        finally:
            reader.close()


def _samples(window: Window) -> NDArray[np.float32]:
    return (window.samples / 32768).astype(np.float32)


def _in_file(transcript: Transcript, window: Window) -> Segment:
    start, end = window.source_interval(transcript.start, transcript.end)
    return Segment(
        text=transcript.text,
        start=start,
        end=end,
        words=tuple(_word_in_file(word, window) for word in transcript.words),
        language=transcript.language,
    )


def _word_in_file(word: Word, window: Window) -> Word:
    if word.end is None:
        return replace(word, start=window.source_time(word.start))
    start, end = window.source_interval(word.start, word.end)
    return replace(word, start=start, end=end)
