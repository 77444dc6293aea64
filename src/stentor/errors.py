"""Every error that Stentor tells a client, in one tree.

    StentorError
    ├── InvalidRequest        400 invalid_request      a field is wrong; `param` names it
    │   ├── InvalidAudio      400 invalid_audio        the upload is not audio that can be read
    │   │   └── AudioTooLong  400 audio_too_long
    │   ├── TextTooLong       400 text_too_long
    │   ├── VoiceNotFound     400 voice_not_found
    │   └── UnsupportedFormat 400 unsupported_format
    ├── Unauthorized          401 invalid_api_key
    ├── HostNotAllowed        403 host_not_allowed
    ├── NotFound              404 not_found
    │   └── ModelNotFound     404 model_not_found
    ├── NotAllowed            403 not_allowed          not to be done from here
    ├── Conflict              409 conflict             it is not in the state for that
    ├── TooLarge              413 too_large
    ├── QueueFull             429 queue_full           retryable
    ├── InternalError         500 internal_error
    ├── EngineFailed          500 engine_failed        the engine raised while it computed
    ├── OutOfMemory           503 out_of_memory        retryable: elsewhere, or later
    ├── ModelUnavailable      503 model_unavailable    it cannot be started now
    │   └── NoRoom            503 no_room              no memory for it, or its GPU is paused
    ├── WorkerLost            503 worker_lost          retryable: the worker died under a call
    │   └── WorkerStalled     503 worker_stalled       retryable: it gave no sign of life in time
    ├── ShuttingDown          503 shutting_down        retryable
    └── StorageFull           507 storage_full

`retryable` tells the pipelines that the same call may succeed when it is made again, here or on
another backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class StentorError(Exception):
    """`str(error)` is for the client: no secrets, and no more of a request than a name in it.

    `retry_after`: seconds until the same request may go well, where that is known.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        self.retry_after = retry_after


class InvalidRequest(StentorError):
    code = "invalid_request"
    status = 400


class InvalidAudio(InvalidRequest):
    code = "invalid_audio"

    def __init__(self, message: str) -> None:
        super().__init__(message, param="file")


class AudioTooLong(InvalidAudio):
    code = "audio_too_long"


class TextTooLong(InvalidRequest):
    code = "text_too_long"


class VoiceNotFound(InvalidRequest):
    code = "voice_not_found"


class UnsupportedFormat(InvalidRequest):
    code = "unsupported_format"


class Unauthorized(StentorError):
    code = "invalid_api_key"
    status = 401


class HostNotAllowed(StentorError):
    code = "host_not_allowed"
    status = 403


class NotFound(StentorError):
    code = "not_found"
    status = 404


class ModelNotFound(NotFound):
    code = "model_not_found"


class NotAllowed(StentorError):
    code = "not_allowed"
    status = 403


class Conflict(StentorError):
    code = "conflict"
    status = 409


class TooLarge(StentorError):
    code = "too_large"
    status = 413


class QueueFull(StentorError):
    code = "queue_full"
    status = 429
    retryable = True


class InternalError(StentorError):
    pass


class EngineFailed(StentorError):
    code = "engine_failed"


class OutOfMemory(StentorError):
    code = "out_of_memory"
    status = 503
    retryable = True


class ModelUnavailable(StentorError):
    code = "model_unavailable"
    status = 503

    @staticmethod
    def joined(errors: Sequence[ModelUnavailable], *, model: str = "") -> ModelUnavailable:
        """One that tells all of them, of their kind if they have one, and the soonest time."""
        kinds = {type(error) for error in errors}
        kind = kinds.pop() if len(kinds) == 1 else ModelUnavailable
        waits = [error.retry_after for error in errors if error.retry_after is not None]
        why = "; ".join(map(str, errors))
        told = f"model '{model}' is not available: {why}" if model else why
        return kind(told, retry_after=min(waits, default=None))


class NoRoom(ModelUnavailable):
    code = "no_room"


class WorkerLost(StentorError):
    code = "worker_lost"
    status = 503
    retryable = True


class WorkerStalled(WorkerLost):
    code = "worker_stalled"


class ShuttingDown(StentorError):
    code = "shutting_down"
    status = 503
    retryable = True


class StorageFull(StentorError):
    code = "storage_full"
    status = 507
