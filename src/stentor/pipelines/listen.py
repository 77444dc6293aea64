"""Transcription: the story of one request, from an uploaded file to the pieces of its transcript.

    file ─▶ 16 kHz mono ─▶ speech packed into windows ─▶ heard, in order ─▶ times in the file

The file is read as it is needed: memory does not grow with its length.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from stentor.audio.vad import Detectors
from stentor.audio.window_reader import WindowReader
from stentor.audio.windows import Window
from stentor.backends.base import Backend
from stentor.pipelines.fit import fit_transcription, ignored_hints
from stentor.pipelines.in_order import in_order
from stentor.pipelines.spoken import Spoken
from stentor.pipelines.window import hear_window
from stentor.routing.models import Model, Models
from stentor.text.language_tags import language_tag
from stentor.threads import Threads
from stentor.types import Priority, Segment, TranscriptionRequest, Word
from stentor_engine import Transcript

AHEAD_MOST = 4
"""Windows begun beyond the one that is being read, at most: they wait in memory."""


class Transcription:
    """An answer that has begun. Close it, also early: that ends all work for it."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.began = time.perf_counter()
        """When its file was there, in seconds of that clock."""
        self.backend = ""
        """The name of the one that heard last."""
        self.spoken = Spoken()
        """After the last segment, of the whole file."""
        self.ignored: tuple[str, ...] = ()
        """Hints of the request that the model has no use for."""
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
    def __init__(
        self, models: Models, threads: Threads, detectors: Detectors, *, max_seconds: float
    ) -> None:
        """`max_seconds`: the longest audio that one request may bring."""
        self._models = models
        self._threads = threads
        self._detectors = detectors
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
            capabilities = await model.able("transcription", admission)
            fitted = fit_transcription(request, capabilities)
            transcription.ignored = ignored_hints(request, capabilities)
            transcription.spoken = Spoken.of(request, fitted.language, capabilities)

            def hear(window: Window) -> AsyncGenerator[tuple[Transcript, Backend], None]:
                return hear_window(request, _samples(window), admission, self._threads)

            windows = self._read(file, request, capabilities.window, transcription)
            ahead = min(AHEAD_MOST, model.scheduler.slots)
            async with aclosing(in_order(windows, hear, ahead=ahead)) as running:
                async for window in running:
                    async for heard in window.results():
                        for transcript, backend in heard:
                            transcription.backend = backend.name
                            segment = _in_file(transcript, window.plan)
                            transcription.spoken.hear(segment)
                            yield segment

    async def _read(
        self,
        file: BinaryIO,
        request: TranscriptionRequest,
        window_seconds: float,
        transcription: Transcription,
    ) -> AsyncGenerator[Window, None]:
        reader = await self._threads.run(
            WindowReader,
            file,
            max_seconds=self._max_seconds,
            window_seconds=window_seconds,
            detectors=self._detectors,
            vad=request.vad,
            raw=request.raw,
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
        text=_unicode(transcript.text),
        start=start,
        end=end,
        words=tuple(_words_in_file(transcript, window)),
        language=transcript.language and language_tag(transcript.language),
        window=window.source_time(0.0),
        details=transcript.details,
    )


def _words_in_file(transcript: Transcript, window: Window) -> Iterator[Word]:
    """All with ends: a word without one lasts until the next."""
    ends = [*(word.start for word in transcript.words[1:]), transcript.end]
    for word, after in zip(transcript.words, ends, strict=False):
        until = max(word.start, after) if word.end is None else word.end
        start, end = window.source_interval(word.start, until)
        yield replace(word, text=_unicode(word.text), start=start, end=end)


def _unicode(text: str) -> str:
    """JSON from a worker may hold halves of surrogate pairs, which no answer could."""
    return text.encode("utf-8", "replace").decode()
