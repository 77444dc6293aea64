# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "espeakng-loader==0.2.4"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""espeak-ng: small, quick and in a hundred languages. Its library is driven through ctypes."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import NamedTuple

import espeakng_loader
import numpy as np

from stentor_engine import (
    Capabilities,
    EngineError,
    InvalidCall,
    LoadFailed,
    Option,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Voice,
    Word,
    iterate_callback,
    speakable,
)

# From espeak-ng's speak_lib.h.
SYNCHRONOUS = 2
DONT_EXIT = 0x8000
UTF8 = 1
RATE, VOLUME, PITCH, PITCH_RANGE, WORD_GAP = 1, 2, 3, 4, 7
WORD = 1
SLOWEST, NORMAL, FASTEST = 80, 175, 449
"""Words per minute: slower is not spoken slower; from 450 on it squeezes audio that it has timed
already, so that words would be told at the wrong times.
"""
BUFFER = 500
"""Milliseconds of audio per callback: computed in half a one. Fewer callbacks cost less."""
DEFAULT = "en-us"
SPEAKERS = (*(f"+f{n}" for n in range(1, 6)), *(f"+m{n}" for n in range(1, 9)))
"""Variants that are voices of their own for the default; without one, every voice is a man's."""


class Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class VoiceEntry(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
)


class Espeak(SpeechEngine):
    name = "espeak"
    quality = 10
    languages = (
        *("af", "am", "an", "ar", "as", "az", "ba", "be", "bg", "bn", "bpy", "bs", "ca", "chr"),
        *("cmn", "cs", "cv", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu", "fa", "fi"),
        *("fr", "ga", "gd", "gn", "grc", "gu", "hak", "haw", "hbs", "he", "hi", "hr", "ht", "hu"),
        *("hy", "hyw", "ia", "id", "io", "is", "it", "ja", "jbo", "ka", "kk", "kl", "kn", "ko"),
        *("kok", "ku", "ky", "la", "lb", "lfn", "lt", "ltg", "lv", "mi", "mk", "ml", "mr", "ms"),
        *("mt", "mto", "my", "nb", "nci", "ne", "nl", "no", "nog", "om", "or", "pa", "pap"),
        *("piqd", "pl", "pt", "py", "qdb", "qu", "quc", "qya", "ro", "ru", "sd", "shn", "si"),
        *("sjn", "sk", "sl", "smj", "sq", "sr", "sv", "sw", "ta", "te", "th", "ti", "tk", "tn"),
        *("tr", "tt", "ug", "uk", "ur", "uz", "vi", "yue", "zh"),
    )

    def __init__(self, settings: Settings) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path()
        rate = self._library.espeak_Initialize(SYNCHRONOUS, BUFFER, data.encode(), DONT_EXIT)
        if rate <= 0:
            raise LoadFailed(f"espeak_Initialize answered {rate}")
        self._identifiers: dict[str, bytes] = {}
        voices = tuple(self._list_voices(Path(data)))
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=rate,
            languages=tuple(sorted({tag for voice in voices for tag in voice.languages})),
            voices=voices,
            options=tuple(_options(Path(data))),
            streaming=True,
            word_times=True,
            deterministic=False,  # its noise goes on from call to call
            normalises=True,
            speed=(SLOWEST / NORMAL, FASTEST / NORMAL),
            max_chars=600,
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        text = speakable(call.text, self._configure(call))
        if not text.strip():
            return iter(())
        return iterate_callback(lambda emit: self._speak(call.text, text, emit))

    def _speak(self, written: str, text: str, emit: Callable[[Samples | Word], bool]) -> None:
        rate = self.capabilities.sample_rate
        before = Span(0, 0)

        def receive(
            samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[Event]
        ) -> int:
            nonlocal before
            for event in _until_end(events):
                if event.type != WORD:
                    continue
                span = word_span(text, event.text_position - 1, event.length, before)
                if span is None:
                    continue
                before = span
                word = Word(written[span.start : span.end], event.sample / rate, at=span.start)
                if not emit(word):
                    return 1
            if count <= 0:  # then there are no samples to point at
                return 0
            piece = np.ctypeslib.as_array(samples, (count,)).copy()
            return 0 if emit(piece) else 1

        callback = Callback(receive)  # lives for as long as it may be called
        self._library.espeak_SetSynthCallback(callback)
        encoded = text.encode()
        size = ctypes.c_size_t(len(encoded) + 1)
        status = self._library.espeak_Synth(encoded, size, 0, 1, 0, UTF8, None, None)
        if status != 0:
            raise EngineError(f"espeak_Synth answered {status}")

    def _configure(self, call: SpeechCall) -> str:
        """Sets the library up for the call; the voice that will speak."""
        options = call.options
        voice = call.voice or self._voice_for(call.language)
        if voice not in self._identifiers:
            raise InvalidCall(f"no voice '{voice}'")
        identifier = self._identifiers[voice]
        if options["variant"]:
            identifier = identifier.partition(b"+")[0] + f"+{options['variant']}".encode()
        if (status := self._library.espeak_SetVoiceByName(identifier)) != 0:
            raise EngineError(f"espeak_SetVoiceByName answered {status}")
        words_per_minute = round(min(FASTEST, max(SLOWEST, int(options["rate"]) * call.speed)))
        for parameter, value in (
            (RATE, words_per_minute),
            (VOLUME, options["volume"]),
            (PITCH, options["pitch"]),
            (PITCH_RANGE, options["pitch_range"]),
            (WORD_GAP, options["word_gap"]),
        ):
            self._library.espeak_SetParameter(parameter, int(value), 0)
        return voice

    def _voice_for(self, language: str | None) -> str:
        wanted = (language or DEFAULT).lower().replace("_", "-")
        while wanted:
            for voice in self.capabilities.voices:
                if wanted in voice.languages:
                    return voice.id
            wanted = wanted.rpartition("-")[0]
        return DEFAULT

    def _list_voices(self, data: Path) -> Iterator[Voice]:
        """Of the voices for a language the best one first; the default's speakers behind it."""
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(VoiceEntry))
        listed = self._library.espeak_ListVoices(None)
        entries = [each.contents for each in takewhile(bool, map(listed.__getitem__, count()))]
        found = [(_languages(entry.languages), entry) for entry in entries]
        # The last tag of a voice is its widest one, as of all French.
        found.sort(key=lambda each: (each[0][0][1] != DEFAULT, each[0][-1], each[0][0]))
        for ranked, entry in found:
            languages = tuple(tag for _, tag in ranked)
            file = entry.identifier.decode()
            if not has_dictionary(data, file, languages[0]):
                continue
            # Two voices of Cantonese have one tag: the file tells the second one apart.
            known = languages[0] in self._identifiers
            voice = Path(file).name.lower() if known else languages[0]
            name = entry.name.decode()
            for speaker in ("", *SPEAKERS) if voice == DEFAULT else ("",):
                self._identifiers[voice + speaker] = (file + speaker).encode()
                title = name + speaker.replace("+", " ")
                female = speaker.startswith("+f")
                yield Voice(voice + speaker, title, languages, "female" if female else "male")


def _options(data: Path) -> Iterator[Option]:
    yield Option("rate", "integer", NORMAL, "words per minute at speed 1", SLOWEST, FASTEST)
    yield Option("pitch", "integer", 50, "base pitch", 0, 99)
    yield Option("pitch_range", "integer", 50, "0: monotone", 0, 99)
    yield Option("volume", "integer", 100, "100: normal", 0, 200)
    yield Option("word_gap", "integer", 0, "pause between words, in 10 ms", 0, 100)
    variants = sorted(path.name for path in (data / "voices" / "!v").iterdir())
    yield Option("variant", "string", "", "another speaker", choices=("", *variants))


def _languages(raw: ctypes._Pointer[ctypes.c_char]) -> tuple[tuple[int, str], ...]:
    """Entries are a byte of priority (the lower the better) and a tag; an empty one ends them."""
    tags = []
    at = 0
    while raw[at] != b"\0":
        tag = ctypes.string_at(ctypes.addressof(raw.contents) + at + 1)
        tags.append((raw[at][0], tag.decode().lower()))
        at += len(tag) + 2
    return tuple(tags)


def _until_end(events: ctypes._Pointer[Event]) -> Iterator[Event]:
    return takewhile(lambda event: event.type, map(events.__getitem__, count()))


def has_dictionary(data: Path, identifier: str, language: str) -> bool:
    """A few voices come without theirs, and say nothing. Another one's may be named in the file."""
    if (data / f"{language.split('-')[0]}_dict").is_file():
        return True
    settings = (data / "lang" / identifier).read_text(errors="replace").split()
    return "dictionary" in settings


class Span(NamedTuple):
    start: int
    end: int


UNSPOKEN = re.compile(r"(?:\s|[-\u2010-\u2015]+(?=[-\s]))*")
"""Where the library may place a word that follows it."""


def word_span(text: str, at: int, length: int, before: Span) -> Span | None:
    """Where the word stands that the library tells `at`; None for one more part of the word before,
    as of a number. Its `length` stops at signs that it speaks apart, and at 31 characters.
    """
    gap = UNSPOKEN.match(text, max(at, 0))
    start = gap.end() if gap else at
    part = at < before.end or (start > at and at == before.start + 1)
    if part or start >= len(text):
        return None
    end = max(start + 1, min(at + length, len(text)))
    if not _is_wide(text[start]):
        while end < len(text) and not _divides(text[end]):
            end += 1
    while end > start + 1 and unicodedata.category(text[end - 1])[0] in "ZPC":
        end -= 1
    return Span(start, end)


def _is_wide(character: str) -> bool:
    """Of a script without spaces, or an emoji: the library's own length holds."""
    return unicodedata.east_asian_width(character) in "WF"


def _divides(character: str) -> bool:
    category = unicodedata.category(character)
    dash = category == "Pd" and character != "-"
    wide = _is_wide(character)
    return character.isspace() or character == "…" or dash or category in ("Ps", "Pe") or wide
