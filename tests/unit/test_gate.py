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
    """The samples. Whatever happened, each word was told once, with its audio, at its time."""
    gate = Gate(SpeechCall(TEXT))
    chunks_out: list[AudioChunk] = []
    for attempt, chunks in enumerate([*deaths, 10_000]):
        call = gate.begin(capabilities)
        size = sizes[attempt % len(sizes)]
        spoken = engine(call.text, size, take=1000 * attempt if takes else 0)
        for number, chunk in enumerate(spoken):
            if number == chunks:
                break
            chunks_out.append(gate.push(chunk))
        else:
            chunks_out.append(gate.finish(RATE))
            break
    told = [word for chunk in chunks_out for word in chunk.words]
    expected = [word for chunk in engine(TEXT, 64) for word in chunk.words]
    assert [(w.text, w.at, round(w.start, 6)) for w in told] == [
        (w.text, w.at, round(w.start, 6)) for w in expected
    ]
    sent = 0
    for chunk in chunks_out:
        ends = sent + len(chunk.samples)
        assert all(sent <= round(word.start * RATE) < ends for word in chunk.words)
        sent = ends
    return np.concatenate([chunk.samples for chunk in chunks_out]), gate


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
    released = [len(gate.push(chunk).samples) for chunk in engine(TEXT, 30)]
    assert sum(released) == TEXT.rindex(" ") * PER_CHARACTER + PER_CHARACTER
    assert sum(released[: len(released) // 2]) > 0


def test_silence_before_the_first_word_may_already_be_sent() -> None:
    gate = Gate(SpeechCall("hello"))
    capabilities = Capabilities("speech", RATE, word_times=True)
    gate.begin(capabilities)
    silence = np.zeros(40, np.int16)
    sent = gate.push(AudioChunk(silence, RATE, (Word("hello", 0.03, at=0),))).samples
    assert len(sent) == 30
    assert gate.begin(capabilities).text == "hello"


def test_another_engine_does_not_go_on_where_nothing_tells_how() -> None:
    gate = Gate(SpeechCall(TEXT))
    gate.begin(Capabilities("speech", RATE, deterministic=True))
    gate.push(next(engine(TEXT, 64)))
    with pytest.raises(EngineFailed):
        gate.begin(Capabilities("speech", 2 * RATE, deterministic=True))


def test_another_engine_goes_on_and_is_then_repeated_itself() -> None:
    """One with word times is lost after a word, a deterministic one takes over and is lost too."""
    first = Capabilities("speech", RATE, word_times=True)
    second = Capabilities("speech", RATE, deterministic=True)
    gate = Gate(SpeechCall(TEXT))
    samples: list[int] = []
    for capabilities, chunks in ((first, 5), (second, 3), (second, 1), (second, 10_000)):
        spoken = list(engine(gate.begin(capabilities).text, 20))
        for chunk in spoken[:chunks]:
            samples += gate.push(chunk).samples.tolist()
    samples += gate.finish(RATE).samples.tolist()
    assert "".join(map(chr, samples[::PER_CHARACTER])) == TEXT
