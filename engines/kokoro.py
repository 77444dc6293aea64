# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = [
#     "numpy",
#     "kokoro-onnx==0.6.1",
#     "pykakasi==2.3.0",
#     "pypinyin==0.55.0",
#     "rjieba==0.2.2",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Kokoro: a small, natural voice for any CPU, in nine languages. Its voices can be mixed."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

# Before ONNX Runtime is imported: it would tell its makers what runs, and leave a file behind.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as rt
from kokoro_onnx import SAMPLE_RATE, Kokoro
from numpy.typing import NDArray
from phonemizer.backend import EspeakBackend

from stentor_engine import (
    Capabilities,
    InvalidCall,
    LoadFailed,
    Option,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Voice,
    Weights,
    Word,
    parse_blend,
    speakable,
)
from stentor_engine.onnx import Stop, draws, on_cpu, onnx_provider, require_provider
from stentor_engine.temporary import fleeting_files
from stentor_engine.word_times import groups, place, timed

MODEL, VOICES = "kokoro-v1.0.onnx", "voices-v1.0.bin"


class Language(NamedTuple):
    tag: str
    espeak: str


LANGUAGES = {
    "a": Language("en-US", "en-us"),
    "b": Language("en-GB", "en-gb"),
    "e": Language("es", "es"),
    "f": Language("fr", "fr-fr"),
    "h": Language("hi", "hi"),
    "i": Language("it", "it"),
    "j": Language("ja", "ja"),
    "p": Language("pt-BR", "pt-br"),
    "z": Language("zh", "cmn"),
}
"""By the first letter of a voice's id; its second one tells the gender."""
HAN = re.compile(r"([\u3400-\u9fff]+)")
PARTICLES = {"は": "わ", "へ": "え"}
"""Of Japanese, which are not said as they are written."""
MARKS = str.maketrans(
    {
        each: told
        for these, told in (
            *(
                ("、，", ", "),
                ("。．", ". "),
                ("！", "! "),
                ("？", "? "),
                ("：", ": "),
                ("；", "; "),
            ),
            *(("（", " ("), ("）", ") "), ("《「『【", " “"), ("》」』】", "” ")),
        )
        for each in these
    }
)
"""Of Chinese and Japanese, as the model knows them."""


def _by_pairs(pairs: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in pairs.split())


TIE = "^"
"""Between the letters of one sound, as espeak-ng tells them; the model has a letter for each."""
SOUNDS = _by_pairs("a^ɪ:I a^ʊ:W e^ɪ:A o^ʊ:O ə^ʊ:Q ɔ^ɪ:Y d^z:ʣ d^ʒ:ʤ d^ʑ:ʥ t^s:ʦ t^ʃ:ʧ t^ɕ:ʨ ^: -:")
ENGLISH = _by_pairs(
    "ʔˌn\u0329:tn ʔn\u0329:tn e^ə:ɛː ə^l:ᵊl i^ə:iə ɚ:əɹ ʲo:jo ʲə:jə ʲ: r:ɹ x:k ç:k ɐ:ə ɬ:l "
    "ɾ:T ʔ:t \u0303:"
)
AMERICAN = _by_pairs("ɜːɹ:ɜɹ ɜː:ɜɹ ɪə:iə ː: e:A o:ɔ")
BRITISH = _by_pairs("iə:ɪə e:A o:ɔ")
"""Each in this order."""
SYLLABIC = re.compile("(.)\u0329")
"""A consonant that is a syllable: the model's has a short vowel before it."""
INITIALS = {"": ""} | _by_pairs(
    "b:p p:pʰ m:m f:f d:t t:tʰ n:n l:l g:k k:kʰ h:x j:ʨ q:ʨʰ x:ɕ r:ɻ s:s z:ʦ c:ʦʰ zh:ꭧ ch:ꭧʰ sh:ʂ"
)
FINALS = _by_pairs(
    "a:a ai:ai ao:au an:a-n ang:a-ŋ e:ɤ ei:ei en:ə-n eng:ə-ŋ er:ɚ ê:ɛ o:wo ou:ou ong:ʊ-ŋ i:i "
    "ia:ja iao:jau ian:jɛ-n iang:ja-ŋ ie:je in:i-n ing:i-ŋ io:jɔ iou:jou iong:jʊ-ŋ u:u ua:wa "
    "uai:wai uan:wa-n uang:wa-ŋ uei:wei uen:wə-n ueng:wə-ŋ uo:wo ü:y üe:ɥe üan:ɥɛ-n ün:y-n"
)
"""Of Mandarin, by their pinyin. The tone is told behind the vowel, where the hyphen is."""
BUZZING = ("z", "c", "s", "zh", "ch", "sh", "r")
"""Initials after which an i is none."""
TONES = ("", "→", "↗", "↓", "↘", "")
"""By their numbers; 5 is none."""
DEFAULT = "af_heart"
"""The voice that its makers grade best."""


class KokoroOnnx(SpeechEngine):
    name = "kokoro"
    quality = 60
    languages = ("en", "es", "fr", "hi", "it", "ja", "pt", "zh")
    memory_mb = 800
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {
        "v1.0": (
            Weights(
                urls={
                    "kokoro-v1.0.onnx": "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.1/kokoro-v1.0.onnx",
                    "voices-v1.0.bin": "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.1/voices-v1.0.bin",
                },
                sha256={
                    "kokoro-v1.0.onnx": (
                        "beb0d1848dee9a49da392cc3df26958d46cfa35d321edf434f52949153f0df3a"
                    ),
                    "voices-v1.0.bin": (
                        "bca610b8308e8d99f32e6fe4197e7ec01679264efed0cac9140fe9c29f1fbf7d"
                    ),
                },
            ),
        ),
    }

    def __init__(self, settings: Settings) -> None:
        model, voices = _files(settings.weights)
        session = _session(model, settings.device)
        try:
            self._kokoro = Kokoro.from_session(session, str(voices))
            self._voices = {name: self._kokoro.get_voice_style(name) for name in _names(voices)}
        except Exception as error:
            raise LoadFailed(f"{voices.name} and {model.name}: {error}") from error
        self._stop = Stop()
        self._kokoro.sess = self._stop.session(session)
        known = [name for name in self._voices if name[0] in LANGUAGES]
        if not known:
            raise LoadFailed(f"{voices.name} holds no voice such as {DEFAULT}")
        listed = tuple(_voice(name) for name in sorted(known, key=_rank))
        tags = dict.fromkeys(tag for voice in listed for tag in voice.languages)
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=SAMPLE_RATE,
            languages=tuple(tags),
            voices=listed,
            options=tuple(_options()),
            word_times=self._kokoro.has_timings,
            deterministic=on_cpu([session]) and not draws(model),
            speed=(0.5, 2.0),
            blends=True,
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        options = call.options
        voice = call.voice or self.capabilities.voices[0].id
        style = mix(parse_blend(voice) or {voice: 1.0}, self._voices)
        phonemes = self._phonemes(call.text, _language(call.language, voice))
        if not any(map(str.isalpha, phonemes)):
            return
        audio, _, timings = yield from self._stop.stoppable(
            lambda: self._kokoro.create_timed(
                phonemes,
                style,
                call.speed,
                is_phonemes=True,
                trim=bool(options["trim"]),
                sentence_pause=float(options["sentence_pause"]),
                clause_pause=float(options["clause_pause"]),
            )
        )
        if self.capabilities.word_times:
            yield from words(call.text, timings)
        yield np.ascontiguousarray(audio, np.float32)

    def _phonemes(self, text: str, language: Language) -> str:
        if language.tag in ("ja", "zh"):
            text = text.translate(MARKS)
        if language.tag == "ja" and HAN.search(text):
            text = kana(text)
        spoken = mandarin(text) if language.tag == "zh" else read(text, language.espeak)
        tokenizer = self._kokoro.tokenizer
        return str(tokenizer.known(" ".join(plain(spoken, tokenizer.vocab).split())))


def read(text: str, voice: str) -> str:
    """As espeak-ng reads it, in the letters that the model was trained with."""
    lines = [line for line in speakable(text, voice).splitlines() if line.strip()]
    spoken = " ".join(_backend(voice).phonemize(lines)) if lines else ""
    return english(spoken, british=voice == "en-gb") if voice[:2] == "en" else respelled(spoken)


def english(spoken: str, *, british: bool) -> str:
    sounds = replaced(replaced(spoken, ENGLISH), SOUNDS)
    return replaced(SYLLABIC.sub("ᵊ\\1", sounds), BRITISH if british else AMERICAN)


def respelled(spoken: str) -> str:
    return replaced(spoken, SOUNDS)


def replaced(text: str, by: Mapping[str, str]) -> str:
    for old, new in by.items():
        text = text.replace(old, new)
    return text


def plain(spoken: str, known: Collection[str]) -> str:
    """What is not known loses its marks: of `ä` the `a` is left."""
    return "".join(c if c in known else unicodedata.normalize("NFD", c) for c in spoken)


def kana(text: str) -> str:
    """With kanji as they are read, and spaces between words; those of no known reading are left
    out, since espeak-ng reads each as "Chinese letter".
    """
    words = (PARTICLES.get(each["orig"], each["hira"]) for each in _kakasi().convert(text))
    return "".join(f" {word}" if word[:1].isalnum() else word for word in words)


@cache
def _kakasi() -> Any:
    import pykakasi  # takes a second or two, for kanji alone

    return pykakasi.kakasi()


def mandarin(text: str) -> str:
    """Words of Chinese by their pinyin, what is between them as English."""
    between, *rest = HAN.split(text)
    spoken = _foreign(between)
    for han, between in zip(rest[::2], rest[1::2], strict=True):
        spoken += " ".join(map(syllables, _cut(han))) + _foreign(between)
    return spoken


def _foreign(text: str) -> str:
    """Marks alone are as they are."""
    if not any(map(str.isalnum, text)):
        return text
    return f"{' ' if text[0].isalnum() else ''}{read(text, 'en-us')} "


def _cut(han: str) -> list[str]:
    import rjieba  # takes a third of a second and 30 MB, for Chinese alone

    return list(rjieba.cut(han))


def syllables(word: str) -> str:
    from pypinyin import Style, lazy_pinyin  # twice as much

    initials = lazy_pinyin(word, Style.INITIALS, errors="ignore", strict=True)
    finals = lazy_pinyin(
        word,
        Style.FINALS_TONE3,
        errors="ignore",
        strict=True,
        v_to_u=True,
        neutral_tone_with_five=True,
    )
    return "".join(map(syllable, initials, finals))


def syllable(initial: str, final: str) -> str:
    """`final` ends with its tone's number; of some interjections there is none."""
    name, tone = final[:-1] or "en", TONES[int(final[-1:] or 5)]
    if name == "i" and initial in BUZZING:
        return f"{INITIALS[initial]}ɨ{tone}"
    vowel, _, coda = FINALS[name].partition("-")
    if name == "o" and not initial:
        vowel = "ɔ"
    return f"{INITIALS[initial]}{vowel}{tone}{coda}"


def mix(
    shares: Mapping[str, float], voices: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The weighted mean of the voices' styles, each (lengths, 1, 256). Raises InvalidCall."""
    for voice in shares:
        if voice not in voices:
            raise InvalidCall(f"no voice '{voice}'")
    styles = [voices[voice] * np.float32(share) for voice, share in shares.items()]
    if len({style.shape for style in styles}) > 1:
        raise InvalidCall("these voices cannot be mixed")
    mixed: NDArray[np.float32] = np.sum(styles, axis=0, dtype=np.float32)
    return mixed


def words(text: str, timings: Sequence[Any]) -> Iterator[Word]:
    """The text's words, by its phonemes in time."""
    heard = groups([timing.phoneme for timing in timings])
    spans = [(timings[group.first].start, timings[group.end - 1].end) for group in heard]
    yield from timed(place(text, [group.end - group.first for group in heard]), 0, spans)


def _session(model: Path, device: str) -> rt.InferenceSession:
    provider = onnx_provider(device)
    try:
        session = rt.InferenceSession(str(model), providers=[provider])
    except Exception as error:
        raise LoadFailed(f"{model.name} cannot be loaded: {error}") from error
    require_provider([session], provider[0], device)
    return session


class Files(NamedTuple):
    model: Path
    voices: Path


def _files(weights: str | None) -> Files:
    path = Path(weights or "").expanduser()
    folder = path if path.is_dir() else path.parent
    models = [path] if path.is_file() else sorted(path.glob("*.onnx")) if weights else []
    voices = sorted(folder.glob("voices*.bin"))
    if not models or not voices:
        raise LoadFailed(f"no {MODEL} with {VOICES} in '{weights or ''}': stentor models pull")
    return Files(next((each for each in models if each.name == MODEL), models[0]), voices[-1])


def _names(voices: Path) -> list[str]:
    with np.load(voices) as data:
        return sorted(data.files)


def _rank(voice: str) -> tuple[bool, str]:
    return voice != DEFAULT, voice


def _voice(name: str) -> Voice:
    tag = LANGUAGES[name[0]].tag
    genders: dict[str, Literal["female", "male"]] = {"f": "female", "m": "male"}
    title = name.partition("_")[2] or name
    return Voice(name, title.title(), (tag,), genders.get(name[1:2]))


def _language(wanted: str | None, voice: str) -> Language:
    """As wanted; of that language as the voice says it, where it is the voice's own."""
    own = LANGUAGES.get(voice[0], LANGUAGES["a"])
    primary = (wanted or own.tag).lower().partition("-")[0]
    for language in (own, *LANGUAGES.values()):
        if language.tag.partition("-")[0] == primary:
            return language
    raise InvalidCall(f"this model does not speak '{wanted}'")


def _options() -> Iterator[Option]:
    yield Option("trim", "boolean", True, "cut off the silence before and after")
    yield Option(
        "sentence_pause", "number", 0.25, "seconds of silence after a sentence, at least", 0, 5
    )
    yield Option("clause_pause", "number", 0.1, "seconds of silence after a comma, at least", 0, 5)


@cache
def _backend(language: str) -> EspeakBackend:
    """Kept: each one loads a copy of espeak-ng's library."""
    with fleeting_files():
        return EspeakBackend(
            language,
            preserve_punctuation=True,
            with_stress=True,
            # With its flags, as `(en)`, the language of a foreign word would be read aloud.
            language_switch="remove-flags",
            tie=TIE,
        )
