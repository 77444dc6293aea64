"""One window of speech, heard whatever happens to the workers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from stentor.backends.base import Backend
from stentor.errors import StentorError
from stentor.routing.scheduler import Admission
from stentor_engine import Transcript, TranscriptionCall

log = structlog.get_logger(__name__)

ATTEMPTS = 3


async def hear_window(
    call: TranscriptionCall, admission: Admission
) -> AsyncGenerator[tuple[Transcript, Backend], None]:
    """What is said in the window; nothing comes before all of it was heard, so that a lost worker
    leaves neither a gap nor words twice. Raises StentorError when it cannot be had.
    """
    attempts = 0
    while True:
        try:
            async with admission.lease() as backend:
                heard = await _attempt(call, backend)
            break
        except StentorError as error:
            attempts += 1
            if not admission.again(error) or attempts >= ATTEMPTS:
                raise
            log.warning("window_retried", error=error.code, attempts=attempts)
    for transcript in heard:
        yield transcript, backend


async def _attempt(call: TranscriptionCall, backend: Backend) -> list[Transcript]:
    await backend.ensure_ready()
    async with aclosing(backend.listen(call)) as transcripts:
        return [transcript async for transcript in transcripts]
