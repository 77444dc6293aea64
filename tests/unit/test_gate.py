"""A segment whose engine dies after any chunk, spoken on by a new one, is heard whole and once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.errors import EngineFailed
from stentor.pipelines.gate import Gate
from stentor.types import AudioChunk, Pcm
from stentor_engine import Capabilities, SpeechCall, Word

RATE = 1000
PER_CHARACTER = 10
TEXT = "some words that are spoken one after another"


def engine(text: str, size: int, *, take: int = 0) -> Iterator[AudioChunk]:
    """Every character has samples that tell it; `take` is added to them: engines that vary."""
    samples = np.repeat(np.array([ord(c) for c in text], np.int16), PER_CHARACTER) + np.int16(take)
    starts = [i for i, c in enumerate(text) if c != " " and (i == 0 or text[i - 1] == " ")]
    words = [Word(text[i:].split()[0], i * PER_CHARACTER / RATE, at=i) for i in starts]
    for at in range(0, len(samples), size):
        piece = samples[at : at + size]
        end = (at + len(piece)) / RATE
        due = tuple(word for word in words if word.start < end)
        words = words[len(due) :]
        yield AudioChunk(piece, RATE, due)


def heard(
    capabilities: Capabilities, deaths: list[int], sizes: list[int], *, takes: bool
) -> tuple[Pcm, Gate]:
    gate = Gate(SpeechCall(TEXT))
    released: list[Pcm] = []
    for attempt, chunks in enumerate([*deaths, 10_000]):
        call = gate.begin(capabilities)
        size = sizes[attempt % len(sizes)]
        spoken = engine(call.text, size, take=1000 * attempt if takes else 0)
        for number, chunk in enumerate(spoken):
            if number == chunks:
                break
            released.append(gate.push(chunk))
        else:
            released.append(gate.finish())
            break
    return np.concatenate(released), gate


DEATHS = st.lists(st.integers(0, 40), max_size=5)
SIZES = st.lists(st.integers(1, 100), min_size=1, max_size=3)


@given(DEATHS, SIZES)
def test_a_deterministic_engine_is_heard_as_if_nothing_had_happened(
    deaths: list[int], sizes: list[int]
) -> None:
    capabilities = Capabilities("speech", RATE, deterministic=True)
    samples, gate = heard(capabilities, deaths, sizes, takes=False)
    assert samples.tolist() == np.concatenate([c.samples for c in engine(TEXT, 64)]).tolist()
    assert gate.sent == len(samples)


@given(DEATHS, SIZES)
@pytest.mark.parametrize("word_times", [True, False])
def test_an_engine_that_varies_is_heard_whole_and_once(
    word_times: bool, deaths: list[int], sizes: list[int]
) -> None:
    capabilities = Capabilities("speech", RATE, word_times=word_times)
    samples, _ = heard(capabilities, deaths, sizes, takes=True)
    assert "".join(chr(s % 1000) for s in samples[::PER_CHARACTER]) == TEXT
    takes = samples // 1000
    if word_times:  # a word is never put together from two takes
        letters = takes[::PER_CHARACTER]
        for word in engine_words():
            assert len(set(letters[word].tolist())) == 1
    else:
        assert len(set(takes.tolist())) == 1


def engine_words() -> Iterator[slice]:
    at = 0
    for word in TEXT.split():
        at = TEXT.index(word, at)
        yield slice(at, at + len(word))
        at += len(word)


def test_words_flow_while_they_are_spoken() -> None:
    gate = Gate(SpeechCall(TEXT))
    gate.begin(Capabilities("speech", RATE, word_times=True))
    released = [len(gate.push(chunk)) for chunk in engine(TEXT, 30)]
    assert sum(released) == TEXT.rindex(" ") * PER_CHARACTER + PER_CHARACTER
    assert sum(released[: len(released) // 2]) > 0


def test_silence_before_the_first_word_may_already_be_sent() -> None:
    gate = Gate(SpeechCall("hello"))
    capabilities = Capabilities("speech", RATE, word_times=True)
    gate.begin(capabilities)
    silence = np.zeros(40, np.int16)
    sent = gate.push(AudioChunk(silence, RATE, (Word("hello", 0.03, at=0),)))
    assert len(sent) == 30
    assert gate.begin(capabilities).text == "hello"


def test_another_engine_does_not_go_on_where_nothing_tells_how() -> None:
    gate = Gate(SpeechCall(TEXT))
    gate.begin(Capabilities("speech", RATE, deterministic=True))
    gate.push(next(engine(TEXT, 64)))
    with pytest.raises(EngineFailed):
        gate.begin(Capabilities("speech", 2 * RATE, deterministic=True))
