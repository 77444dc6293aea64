"""An author's mistakes, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from stentor_engine import Transcript, Word
from stentor_engine.errors import EngineError
from stentor_engine.yielded import plain_transcript, plain_word, refuse_returned, s16le

SECOND = np.zeros(8_000, np.float32)


@pytest.mark.parametrize(
    ("yielded", "told"),
    [
        (SECOND.tolist(), "a list: audio is a numpy array of one dimension"),
        (b"\0\0", "a bytes: audio"),
        (np.float32(0), "a float32: audio"),
        ((8_000, SECOND), "a tuple: audio"),
        (np.stack([SECOND, SECOND]), r"of the shape \(2, 8000\), which is not mono: audio has one"),
        (SECOND[:, None], r"of the shape \(8000, 1\)"),
        (SECOND.astype(np.int32), r"type int32: it is int16, or float32 within \[-1, 1\]"),
        (SECOND + np.nan, "not finite"),
        (SECOND + 30_000, r"float samples up to 30000: full scale is \[-1, 1\]"),
    ],
)
def test_what_is_no_audio_is_told(yielded: object, told: str) -> None:
    with pytest.raises(EngineError, match=told):
        s16le(yielded)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_of_any_width_are_clipped_at_full_scale(kind: type) -> None:
    pcm = s16le(np.array([0.0, 1.5, -3.0], kind))
    assert np.frombuffer(pcm, "<i2").tolist() == [0, 32767, -32767]


@pytest.mark.parametrize("nothing", [np.zeros(0, np.float32), np.zeros(0, np.int16)])
def test_no_samples_are_audio_too(nothing: object) -> None:
    assert s16le(nothing) == b""


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "a `yield` is missing"),
        (SECOND, "returned a ndarray: it has to `yield`"),
        (Transcript("One", 0.0, 1.0), "returned a Transcript"),
        ("One", "returned a str"),
    ],
)
def test_what_is_returned_in_place_of_yielded_is_told(returned: object, told: str) -> None:
    with pytest.raises(EngineError, match=told):
        refuse_returned(returned)


def test_a_list_of_pieces_may_be_returned() -> None:
    refuse_returned([SECOND])
    refuse_returned(iter([SECOND]))


def test_numpys_numbers_become_pythons() -> None:
    word = Word("One", np.float32(0.5), np.float64(1), confidence=np.float32(0.25))  # type: ignore[arg-type]
    heard = Transcript("One", np.int64(0), np.float32(1.5), (word,))  # type: ignore[arg-type]
    plain = plain_transcript(heard)
    assert plain == Transcript("One", 0.0, 1.5, (Word("One", 0.5, 1.0, confidence=0.25),))
    numbers = (plain.start, plain.end, plain.words[0].start, plain.words[0].confidence)
    assert {type(number) for number in numbers} == {float}


def test_nothing_ends_before_it_starts() -> None:
    assert plain_transcript(Transcript("One", 1.0, 0.5)).end == 1.0
    assert plain_word(Word("One", 1.0, 0.5)).end == 1.0


@pytest.mark.parametrize(
    ("yielded", "told"),
    [
        ("One", "a str: it has to be a Transcript"),
        (Transcript(b"One", 0.0, 1.0), "text is a bytes, not a str"),  # type: ignore[arg-type]
        (Transcript("One", 0.0, float("nan")), "nan as its end: that is a number of seconds"),
        (Transcript("One", "0", 1.0), "'0' as its start"),  # type: ignore[arg-type]
        (Transcript("One", 0.0, 1.0, ("One",)), "word is a str, not a Word"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_transcript_is_told(yielded: object, told: str) -> None:
    with pytest.raises(EngineError, match=told):
        plain_transcript(yielded)
