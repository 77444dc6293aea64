"""moonshine, on its own runtime, with a tiny model whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import decoded, wav
from tests.engines.hang_up import assert_stops, transcription_request
from tests.engines.hearing import EVERYTHING, KNOWN, heard, only_segment, silent_wav
from tests.engines.refusals import unavailable
from tests.servers import Server

ENGINE = "moonshine"
OTHER = KNOWN.replace("never", "seldom")
FOLDERS = ("tiny", "words", "half", "odd", "bare", "slow")
STREAMING = ("tiny-streaming", "base-streaming", "small-streaming", "medium-streaming")
TINY = ', options = {{ arch = "tiny" }}'
STREAMS = ', options = {{ arch = "tiny-streaming" }}'


def model(name: str, weights: str, more: str) -> str:
    backend = f'{{{{ engine = "moonshine"{more} }}}}'
    return f'[models.{name}]\nweights = "{{folder}}/{weights}"\nbackends = [{backend}]\n'


CONFIG = "".join(
    (
        '[models.espeak]\nbackends = [{{ engine = "espeak" }}]\n',
        *(model(name, name, TINY) for name in FOLDERS),
        model("german", "tiny", ', options = {{ arch = "tiny", language = "de" }}'),
        model("base", "tiny", ', options = {{ arch = "base" }}'),
        model("streams", "bare", ', options = {{ arch = "medium-streaming" }}'),
        *(model(arch, "streaming", f', options = {{{{ arch = "{arch}" }}}}') for arch in STREAMING),
        model("timed-streaming", "streaming-words", STREAMS),
        model("mistaken", "tiny", STREAMS),
        model("unknown", "tiny", ""),
        model("elsewhere", "tiny", ', device = "cuda"'),
    )
)


@pytest.mark.parametrize("model", ["tiny", "words", *STREAMING, "timed-streaming"])
def test_the_answer_is_the_weights(client: openai.OpenAI, speech: bytes, model: str) -> None:
    only_segment(heard(client, model, speech))


@pytest.mark.parametrize("model", ["words", "timed-streaming"])
def test_each_stretch_is_a_line_of_its_own(
    client: openai.OpenAI, speech: bytes, model: str
) -> None:
    """Everything is handed over as speech: the silence between is the runtime's to find."""
    samples, rate = decoded(speech)
    silence = np.zeros(2 * rate, np.int16)
    everything = {"chunking_strategy": EVERYTHING}
    audio = wav(np.concatenate([samples, silence, samples]), rate)
    answer = heard(
        client,
        model,
        audio,
        extra_body=everything,
        timestamp_granularities=["word", "segment"],
    )
    first, second = answer.segments
    assert answer.text == f"{KNOWN} {KNOWN}"
    assert second.start > first.start + len(samples) / rate
    words = answer.words
    assert [word.word for word in words] == 2 * KNOWN.split()
    assert all(word.start < word.end for word in words)
    assert words[4].start >= second.start


@pytest.mark.parametrize("model", ["words", "timed-streaming"])
def test_words_follow_the_attention(client: openai.OpenAI, speech: bytes, model: str) -> None:
    """A sixth of all frames for each."""
    answer = heard(client, model, speech, timestamp_granularities=["word", "segment"])
    (segment,) = answer.segments
    frame = (segment.end - segment.start) / 6
    starts = [word.start - segment.start for word in answer.words]
    assert starts == pytest.approx([0, frame, 2 * frame, 3 * frame], abs=0.1)


@pytest.mark.parametrize("model", ["tiny", "tiny-streaming"])
def test_a_long_file_is_heard_to_its_end(client: openai.OpenAI, speech: bytes, model: str) -> None:
    samples, rate = decoded(speech)
    audio = wav(np.tile(np.concatenate([samples, np.zeros(rate, np.int16)]), 15), rate)
    segments = heard(client, model, audio).segments
    assert all(segment.text.strip() == KNOWN for segment in segments)
    assert segments[-1].end == pytest.approx(15 * (len(samples) / rate + 1) - 1, abs=1.5)


@pytest.mark.parametrize("model", ["words", "timed-streaming"])
@pytest.mark.parametrize("seconds", [0.7, 1.3, 1.9])
def test_the_last_words_are_told_amid_speech(
    client: openai.OpenAI, speech: bytes, model: str, seconds: float
) -> None:
    """All that is heard is within the audio, which ends before the speaker does."""
    samples, rate = decoded(speech)
    audio = wav(samples[: round(seconds * rate)], rate)
    everything = {"chunking_strategy": EVERYTHING}
    words: Any = {"timestamp_granularities": ["word", "segment"], "extra_body": everything}
    answer = heard(client, model, audio, **words)
    assert answer.text == KNOWN
    assert [word.word for word in answer.words] == KNOWN.split()
    assert all(0 <= word.start < word.end <= seconds + 0.01 for word in answer.words)


def test_a_prompt_brings_rare_words(client: openai.OpenAI, speech: bytes) -> None:
    """Where the model streams, and for that call alone."""
    prompt = "He is seldom late."
    asked = [heard(client, "tiny-streaming", speech, prompt=p).text for p in (prompt, "", prompt)]
    assert asked == [OTHER, KNOWN, OTHER]


@pytest.mark.parametrize("model", ["tiny", "tiny-streaming"])
@pytest.mark.parametrize("seconds", [0.05, 0.5, 3.0])
def test_silence_is_nothing(client: openai.OpenAI, model: str, seconds: float) -> None:
    everything = {"chunking_strategy": EVERYTHING}
    assert heard(client, model, silent_wav(seconds), extra_body=everything).text == ""


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        ("tiny", {"language": "de"}, "this model hears en"),
        ("german", {"language": "en"}, "this model hears de"),
        ("tiny", {"timestamp_granularities": ["word"]}, "does not tell when"),
        ("tiny", {"extra_body": {"options": '{"arch": "base"}'}}, "set for the model"),
        ("tiny", {"extra_body": {"options": '{"arch": "huge"}'}}, "one of"),
        ("tiny", {"extra_body": {"options": '{"beams": 1}'}}, "unknown option"),
    ],
)
def test_what_cannot_be_is_a_bad_request(
    client: openai.OpenAI, speech: bytes, model: str, more: Any, said: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        heard(client, model, speech, **more)


def test_a_hang_up_stops_it_amid_a_window(server: Server, speech: bytes) -> None:
    """Between two lines, of a dozen that take seconds each."""
    samples, rate = decoded(speech)
    audio = wav(np.tile(np.concatenate([samples, np.zeros(rate, np.int16)]), 12), rate)
    request = transcription_request(audio, model="slow")
    assert_stops(server, ENGINE, request, start=5.0, within=12)  # and did not hear it all


def test_the_language_is_the_models(client: openai.OpenAI, speech: bytes) -> None:
    assert heard(client, "german", speech).language == "german"


def test_a_wrong_kind_is_told_and_not_silence(client: openai.OpenAI, speech: bytes) -> None:
    """The runtime finds out when it hears, not when it loads."""
    with pytest.raises(openai.InternalServerError, match="is its `arch` right"):
        heard(client, "base", speech)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("half", "lack decoder_model_merged.ort"),
        ("odd", "cannot be loaded as tiny"),
        ("bare", "encoder_model.ort"),
        ("streams", "lack adapter.ort"),
        ("mistaken", "lack adapter.ort"),
        ("unknown", "`arch`"),
        ("elsewhere", "not on 'cuda"),
    ],
)
def test_what_is_not_there_is_told(
    client: openai.OpenAI, speech: bytes, model: str, told: str
) -> None:
    with unavailable(told, hidden="/moonshine"):
        heard(client, model, speech)
