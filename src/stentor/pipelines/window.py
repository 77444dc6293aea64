"""One window of speech, heard whatever happens to the workers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import soxr
import structlog
from numpy.typing import NDArray

from stentor.audio.window_reader import VAD_RATE
from stentor.backends.base import Backend
from stentor.errors import StentorError
from stentor.pipelines.fit import fit_transcription, fitting
from stentor.routing.scheduler import Admission
from stentor.threads import Threads
from stentor.types import TranscriptionRequest
from stentor_engine import Transcript

log = structlog.get_logger(__name__)

ATTEMPTS = 3


async def hear_window(
    wish: TranscriptionRequest, audio: NDArray[np.float32], admission: Admission, threads: Threads
) -> AsyncGenerator[tuple[Transcript, Backend], None]:
    """What is said in the window; nothing comes before all of it was heard, so that a lost worker
    leaves neither a gap nor words twice. `audio` is at VAD_RATE. Raises StentorError.
    """
    attempts = 0
    while True:
        try:
            async with admission.lease() as backend:
                heard = await _attempt(wish, audio, backend, threads)
            break
        except StentorError as error:
            attempts += 1
            if not admission.again(error) or attempts >= ATTEMPTS:
                raise
            log.warning("window_retried", error=error.code, attempts=attempts)
    for transcript in heard:
        yield transcript, backend


async def _attempt(
    wish: TranscriptionRequest, audio: NDArray[np.float32], backend: Backend, threads: Threads
) -> list[Transcript]:
    capabilities = await backend.ensure_ready()
    call = fitting(fit_transcription, wish, capabilities, backend)
    if capabilities.sample_rate != VAD_RATE:
        audio = await threads.run(_resampled, audio, capabilities.sample_rate)
    async with aclosing(backend.listen(replace(call, audio=audio))) as transcripts:
        return [transcript async for transcript in transcripts]


def _resampled(audio: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    resampled: NDArray[np.float32] = soxr.resample(audio, VAD_RATE, rate)
    return resampled
