"""Errors that cross the wire between a worker and the gateway.

EngineError                 engine_error        something inside the engine went wrong
├── InvalidCall             invalid_call        the call itself is wrong
├── OutOfMemory             out_of_memory       retryable: elsewhere, or when memory is free again
└── LoadFailed              load_failed         the engine could not be loaded
WireError                   wire_error          the bytes are not the protocol
├── MalformedFrame          malformed_frame     not a frame, or not the message that was due
├── FrameTooLarge           frame_too_large     a length beyond the bounds
├── VersionMismatch         version_mismatch    the other end speaks another protocol version
└── ConnectionLost          connection_lost     retryable: the other end is gone
"""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """Raised by engines; travels as an `error` event with its code, message and `retryable`."""

    code: ClassVar[str] = "engine_error"
    retryable: ClassVar[bool] = False


class InvalidCall(EngineError):
    code = "invalid_call"


class OutOfMemory(EngineError):
    code = "out_of_memory"
    retryable = True


class LoadFailed(EngineError):
    code = "load_failed"


class WireError(Exception):
    code: ClassVar[str] = "wire_error"
    retryable: ClassVar[bool] = False


class MalformedFrame(WireError):
    code = "malformed_frame"


class FrameTooLarge(WireError):
    code = "frame_too_large"


class VersionMismatch(WireError):
    code = "version_mismatch"


class ConnectionLost(WireError):
    code = "connection_lost"
    retryable = True


_ON_THE_WIRE: dict[str, type[EngineError]] = {
    error.code: error for error in (EngineError, InvalidCall, OutOfMemory, LoadFailed)
}


def engine_error(code: str, message: str) -> EngineError:
    """The error that an `error` event stands for; an unknown code becomes a plain EngineError."""
    return _ON_THE_WIRE.get(code, EngineError)(message)
