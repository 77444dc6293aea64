"""What an engine yields, made ready for the wire; a mistake is told in words for its author."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from .contract import Transcript, Word
from .errors import EngineError

LOUDEST = 100.0
"""Beyond it no model is too loud: its samples are of another scale, as int16's in float32."""


def refuse_returned(pieces: object) -> None:
    """What a call may return, which a generator does by itself: raises EngineError for the rest."""
    if pieces is None:
        raise EngineError("the engine yields nothing: a `yield` is missing")
    if isinstance(pieces, np.ndarray | str | bytes) or not isinstance(pieces, Iterable):
        raise EngineError(f"the engine returned a {_kind(pieces)}: it has to `yield` what it makes")


def s16le(samples: object) -> bytes:
    """Clips what is beyond full scale; raises EngineError for what is not finite `Samples`."""
    if not isinstance(samples, np.ndarray):
        raise EngineError(
            f"the engine yielded a {_kind(samples)}: audio is a numpy array of one dimension"
        )
    if samples.ndim != 1:
        raise EngineError(
            f"the engine yielded an array of the shape {samples.shape}, which is not mono: audio "
            "has one dimension"
        )
    if samples.dtype.kind == "f":
        return _scaled(samples).astype("<i2").tobytes()
    if samples.dtype != np.int16:
        raise EngineError(
            f"the engine yielded audio of type {samples.dtype}: it is int16, or float32 within "
            "[-1, 1]"
        )
    return samples.astype("<i2").tobytes()


def _scaled(samples: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    if not np.isfinite(samples).all():
        raise EngineError("the engine yielded audio that is not finite")
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > LOUDEST:
        raise EngineError(
            f"the engine yielded float samples up to {peak:.0f}: full scale is [-1, 1]"
        )
    scaled: np.ndarray[Any, np.dtype[Any]] = np.rint(
        np.clip(samples, -1.0, 1.0) * np.float32(32767.0)
    )
    return scaled


def plain_transcript(piece: object) -> Transcript:
    """With Python's own numbers in place of numpy's, and no end before its start. Raises
    EngineError.
    """
    if not isinstance(piece, Transcript):
        raise EngineError(f"the engine yielded a {_kind(piece)}: it has to be a Transcript")
    if not isinstance(piece.text, str):
        raise EngineError(f"a transcript's text is a {_kind(piece.text)}, not a str")
    start = _seconds("start", piece.start)
    return replace(
        piece,
        start=start,
        end=max(start, _seconds("end", piece.end)),
        words=tuple(map(plain_word, piece.words)),
    )


def plain_word(word: object) -> Word:
    """As `plain_transcript`."""
    if not isinstance(word, Word):
        raise EngineError(f"a transcript's word is a {_kind(word)}, not a Word")
    start = _seconds("start", word.start)
    return replace(
        word,
        start=start,
        end=None if word.end is None else max(start, _seconds("end", word.end)),
        at=_plain(word.at),
        confidence=_plain(word.confidence),
    )


def _seconds(name: str, value: object) -> float:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EngineError(f"the engine told {value!r} as its {name}: that is a number of seconds")
    return float(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _kind(value: object) -> str:
    return type(value).__name__
