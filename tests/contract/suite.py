"""What every engine must do, whatever it is.

A suite is a class of tests of `engine`, whose `start` begins another one like it in a process of
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor_engine import (
    REFERENCE_RATE,
    ConversionEngine,
    InvalidCall,
    Reference,
    SpeechEngine,
    Transcript,
    TranscriptionEngine,
    Word,
    complete_options,
)
from stentor_engine.host import AnyEngine
from stentor_engine.messages import Info, info_event, parse_info
from stentor_engine.references import reference_id, samples_of
from tests.audio import Samples
from tests.contract.engines import (
    call,
    converted,
    converting,
    hearing,
    speech_engine,
    spoken,
)

Start = Callable[[], AbstractContextManager[AnyEngine]]
TEXT = "The quick brown fox jumps over the lazy dog."
ODD = (
    "a\0b",
    "😀 👩‍👩‍👧‍👦 🇩🇪",
    "مرحبا بالعالم",
    "\u202eright to left\u202c",
    "x" * 600,
    "\ud800",
    "<speak>hello</speak> [[h@l'oU]]",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ⠃⠗ ⓐⓑⓒ",
    "🤠a ©Ȋ _-k",
    "\x01\x02\x1b[0m",
    "ᚠᛇᚻ ⲁⲃⲅ 𐎀𐎁",
    "!?.,;:" * 20,
)


def noise(seconds: float, level: float) -> Samples:
    samples = np.random.default_rng(1).normal(0, level, round(seconds * REFERENCE_RATE))
    return np.clip(samples, -32_768, 32_767).astype(np.int16)


def recording(level: float) -> Reference:
    pcm = noise(3.0, level).tobytes()
    return Reference(reference_id(pcm), samples_of(pcm))


class EngineSuite:
    def test_capabilities_are_sane_and_can_be_told(self, engine: AnyEngine) -> None:
        capabilities = engine.capabilities
        assert 8_000 <= capabilities.sample_rate <= 96_000
        assert capabilities.max_chars > 0
        assert capabilities.parallel >= 1
        assert len({voice.id for voice in capabilities.voices}) == len(capabilities.voices)
        assert len({option.name for option in capabilities.options}) == len(capabilities.options)
        complete_options(capabilities.options, {o.name: o.default for o in capabilities.options})
        assert (
            parse_info(info_event(Info("it", "ready", capabilities))).capabilities == capabilities
        )


class SpeechSuite(EngineSuite):
    lasts = (1.0, 10.0)
    """Seconds that TEXT may."""
    level = 300.0
    """The least of its mean."""
    examples = 150

    def test_it_speaks(self, engine: SpeechEngine) -> None:
        audio, words = spoken(engine, call(engine, TEXT))
        seconds = len(audio) / engine.capabilities.sample_rate
        shortest, longest = self.lasts
        assert shortest < seconds < longest
        assert np.abs(audio.astype(np.int32)).mean() > self.level
        assert bool(words) == engine.capabilities.word_times
        places = [word.at for word in words if word.at is not None]
        assert places == sorted(set(places))
        starts = [word.start for word in words]
        assert starts == sorted(starts)
        assert all(0 <= start <= seconds for start in starts)
        for word in words:
            assert word.at is not None
            assert TEXT.startswith(word.text, word.at)

    def test_a_word_comes_no_later_than_its_audio(self, engine: SpeechEngine) -> None:
        rate = engine.capabilities.sample_rate
        come = 0
        for piece in engine.synthesize(call(engine, TEXT)):
            if isinstance(piece, Word):
                assert piece.start >= come / rate - 1e-6
            elif piece is not None:
                come += len(piece)

    def test_it_stops_when_nobody_listens_and_speaks_again(self, engine: SpeechEngine) -> None:
        most = engine.capabilities.max_chars
        whole, _ = spoken(engine, call(engine, TEXT))
        for pieces in (0, 1, 3):
            speaking = engine.synthesize(call(engine, (TEXT * 8)[:most]))
            list(islice(speaking, pieces))
            close = getattr(speaking, "close", None)
            assert close is not None, "it yields from something that cannot be closed"
            close()
            again, _ = spoken(engine, call(engine, TEXT))
            assert abs(len(again) - len(whole)) < 0.02 * len(whole)

    @pytest.mark.parametrize("text", ODD)
    def test_odd_texts_do_not_upset_it(self, engine: SpeechEngine, text: str) -> None:
        spoken(engine, call(engine, text[: engine.capabilities.max_chars]))
        audio, _ = spoken(engine, call(engine, TEXT))
        assert len(audio) > self.lasts[0] * engine.capabilities.sample_rate

    def test_any_text_in_any_voice(self, engine: SpeechEngine) -> None:
        ids = [voice.id for voice in engine.capabilities.voices]
        voices = st.sampled_from(ids) if ids else st.none()

        @settings(deadline=None, max_examples=self.examples)
        @given(voice=voices, text=st.text(max_size=60))
        def said(voice: str | None, text: str) -> None:
            audio, words = spoken(engine, call(engine, text, voice=voice))
            assert all(word.at is not None and 0 <= word.at < len(text) for word in words)
            assert len(audio) < 600 * engine.capabilities.sample_rate

        said()

    def test_an_unknown_voice_is_refused(self, engine: SpeechEngine) -> None:
        with pytest.raises(InvalidCall):
            spoken(engine, call(engine, TEXT, voice="nobody"))

    def test_equal_calls_are_equal_or_alike(self, engine: SpeechEngine, start: Start) -> None:
        """In this process, after other calls, and in a new one: equal if it says so, else the same
        words in about the same time."""
        spoken(engine, call(engine, "Something else."))
        here, words = spoken(engine, call(engine, "The quick brown fox."))
        with start() as other:
            assert isinstance(other, SpeechEngine)
            assert other.capabilities == engine.capabilities
            there, others = spoken(other, call(other, "The quick brown fox."))
        assert [(word.text, word.at) for word in words] == [(w.text, w.at) for w in others]
        if engine.capabilities.deterministic:
            assert np.array_equal(here, there)
            assert words == others
        else:
            assert len(here) == pytest.approx(len(there), rel=0.25)


class TranscriptionSuite(EngineSuite):
    @pytest.mark.parametrize("samples", [0, 1, 160, 16_000])
    @pytest.mark.parametrize("kind", ["silence", "noise", "full"])
    def test_any_audio(self, engine: TranscriptionEngine, kind: str, samples: int) -> None:
        noise = np.random.default_rng(1).normal(0, 3_000, samples).astype(np.int16)
        audio = {
            "silence": np.zeros(samples, np.int16),
            "noise": noise,
            "full": np.full(samples, 32_767, np.int16),
        }[kind]
        for transcript in filter(None, engine.transcribe(hearing(engine, audio))):
            assert 0 <= transcript.start <= transcript.end <= samples / 16_000 + 0.1

    def test_it_is_heard_alike_whatever_was_heard_before(
        self, engine: TranscriptionEngine, start: Start
    ) -> None:
        """In a new process too; equal in all that is told if it says so."""
        espeak = speech_engine("espeak")
        first, _ = spoken(espeak, call(espeak, "Seven green apples on the table."))
        other, _ = spoken(espeak, call(espeak, "A long night without any moon."))

        def hear(by: TranscriptionEngine, samples: Samples) -> list[Transcript]:
            return [t for t in by.transcribe(hearing(by, samples)) if t is not None]

        before = hear(engine, first)
        hear(engine, other)
        with start() as elsewhere:
            assert isinstance(elsewhere, TranscriptionEngine)
            assert elsewhere.capabilities == engine.capabilities
            takes = [hear(engine, first), hear(elsewhere, first)]
        for again in takes:
            assert [each.text for each in again] == [each.text for each in before]
            starts = [each.start for each in before]
            assert [each.start for each in again] == pytest.approx(starts, abs=0.1)
            if engine.capabilities.deterministic:
                assert again == before

    def test_it_stops_listening_when_nobody_waits(self, engine: TranscriptionEngine) -> None:
        audio = np.random.default_rng(1).normal(0, 3_000, 10 * 16_000).astype(np.int16)
        listening = engine.transcribe(hearing(engine, audio))
        assert next(listening) is None, "it must yield before it has heard all"
        close = getattr(listening, "close", None)
        assert close is not None
        close()
        list(engine.transcribe(hearing(engine, audio[:16_000])))


class ConversionSuite(EngineSuite):
    def test_it_converts(self, engine: ConversionEngine) -> None:
        """As long as it was, and into more voices than one; equal calls are equal if it says so."""
        said = noise(2.0, 3_000)
        calls = [converting(engine, said, voice=v.id) for v in engine.capabilities.voices]
        if engine.capabilities.reference is not None:
            calls += [
                converting(engine, said, reference=recording(level)) for level in (500, 9_000)
            ]
        takes = [converted(engine, each) for each in calls]
        for take in takes:
            seconds = len(take) / engine.capabilities.sample_rate
            assert seconds == pytest.approx(2.0, abs=0.1)
            assert np.abs(take.astype(np.int32)).mean() > 100
        assert len({take.tobytes() for take in takes}) == len(takes) > 1
        if engine.capabilities.deterministic:
            again = [converted(engine, each).tobytes() for each in reversed(calls)]
            assert again == [take.tobytes() for take in reversed(takes)]

    @pytest.mark.parametrize("samples", [0, 1, 240, 24_000])
    @pytest.mark.parametrize("kind", ["silence", "noise", "full"])
    def test_any_audio_is_converted(
        self, engine: ConversionEngine, kind: str, samples: int
    ) -> None:
        level = {"silence": 0.0, "noise": 3_000.0, "full": 1e9}[kind]
        audio = noise(samples / REFERENCE_RATE, level)
        converted(engine, converting(engine, audio))
        converted(engine, converting(engine, audio, reference=recording(1_000)))

    def test_it_stops_converting_when_nobody_listens(self, engine: ConversionEngine) -> None:
        whole = converted(engine, converting(engine, noise(1.0, 3_000)))
        for pieces in (0, 1, 3):
            going = engine.convert(converting(engine, noise(20.0, 3_000)))
            list(islice(going, pieces))
            close = getattr(going, "close", None)
            assert close is not None, "it yields from something that cannot be closed"
            close()
            again = converted(engine, converting(engine, noise(1.0, 3_000)))
            assert abs(len(again) - len(whole)) < 0.02 * len(whole)

    def test_a_voice_that_it_does_not_have_is_refused(self, engine: ConversionEngine) -> None:
        with pytest.raises(InvalidCall):
            converted(engine, converting(engine, noise(1.0, 3_000), voice="nobody"))
