"""What commands write: transcripts, words, lists; and what they read of servers' answers."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import srt
from hypothesis import given
from hypothesis import strategies as st

from stentor.cli.client import Summary, VoiceInfo, base_url
from stentor.cli.failure import UsageError
from stentor.cli.listings import Running, listed_models, listed_voices, running
from stentor.cli.say import parse_option
from stentor.cli.tables import tab_separated
from stentor.cli.transcripts import new_writer
from stentor.cli.verbose import heard, summary
from stentor.cli.voices import speaks
from stentor.cli.words import JsonWords, Subtitles
from stentor.types import Segment, Word

WORDS = st.lists(
    st.tuples(st.sampled_from(["one", "two,", "three.", "“four”", "五"]), st.floats(0, 2)),
    max_size=250,
)


def in_time(words: list[tuple[str, float]]) -> list[Word]:
    """Each begins so many seconds after the one before."""
    start, told = 0.0, []
    for text, seconds in words:
        told.append(Word(text, start, start + seconds / 2))
        start += seconds
    return told


def written(segments: list[Segment], kind: str, *, words: bool = False) -> str:
    writer = new_writer(kind, words=words)
    return "".join(map(writer.add, segments)) + writer.finish(Summary(9.0, "en", "m"))


@given(WORDS)
def test_subtitles_of_words_hold_all_of_them_in_order(words: list[tuple[str, float]]) -> None:
    subtitles = Subtitles("srt")
    text = "".join(map(subtitles.add, in_time(words))) + subtitles.finish()
    cues = list(srt.parse(text, ignore_errors=False))
    said = "".join(cue.content for cue in cues)
    assert "".join(said.split()) == "".join(text for text, _ in words)
    assert all(one.end <= two.start for one, two in pairwise(cues))


@given(WORDS)
def test_words_as_json(words: list[tuple[str, float]]) -> None:
    told = JsonWords()
    text = "".join(map(told.add, in_time(words))) + told.finish()
    assert [word["word"] for word in json.loads(text)["words"]] == [text for text, _ in words]


@given(st.lists(st.text(), max_size=5))
def test_a_transcript_as_json(texts: list[str]) -> None:
    segments = [Segment(text, n, n + 0.5) for n, text in enumerate(texts)]
    told = json.loads(written(segments, "json"))
    assert [segment["text"] for segment in told["segments"]] == [text.strip() for text in texts]
    assert (told["duration"], told["language"], told["model"]) == (9.0, "en", "m")


def test_words_are_in_json_where_they_are_wanted() -> None:
    segments = [Segment(" Hi ", 0, 1, (Word(" Hi ", 0.00049, 0.5, confidence=0.12345),))]
    assert "words" not in json.loads(written(segments, "json"))["segments"][0]
    told = json.loads(written(segments, "json", words=True))
    assert told["segments"][0]["words"] == [
        {"word": "Hi", "start": 0.0, "end": 0.5, "confidence": 0.123}
    ]


def test_empty_transcripts_are_still_of_their_format() -> None:
    assert written([], "txt") == ""
    assert written([], "srt") == ""
    assert written([], "vtt").strip() == "WEBVTT"
    assert json.loads(written([], "json"))["segments"] == []


def test_words_go_to_the_segment_that_they_are_in() -> None:
    answer = {
        "segments": [{"start": 1, "end": 2, "text": "a b"}, {"start": 3, "end": 4, "text": "c"}],
        "words": [{"word": w, "start": s, "end": s} for w, s in (("a", 0.9), ("b", 2.5), ("c", 3))],
    }
    assert [[w.text for w in segment.words] for segment in heard(answer)] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ({"language": "german"}, "de"),
        ({"language": "german", "language_code": "de-AT"}, "de-AT"),
        ({"language": None}, None),
        ({}, None),
    ],
)
def test_the_language_of_an_answer(answer: dict[str, str], language: str | None) -> None:
    assert summary(answer).language == language


def test_aliases_belong_to_their_models() -> None:
    answer = {
        "data": [
            {"id": "espeak", "task": "speech", "languages": ["en"], "alias_of": None},
            {"id": "tts-1", "task": "speech", "alias_of": "espeak"},
            {"id": "other", "task": None, "alias_of": None},
        ]
    }
    first, second = listed_models(answer, {"espeak": Running("ready", 5)})
    assert (first.name, first.aliases, first.default) == ("espeak", ("tts-1",), True)
    assert (first.state, first.memory, first.languages) == ("ready", 5, ("en",))
    assert (second.name, second.aliases, second.default, second.state) == ("other", (), False, None)


def test_what_runs_for_models() -> None:
    line = 'stentor_worker_state{{model="m",backend="{}",state="{}"}} {}\n'
    text = "# TYPE stentor_worker_state gauge\n" + "".join(
        line.format(*each)
        for each in (("a", "ready", 1.0), ("a", "stopped", 0.0), ("b", "stopped", 1.0))
    )
    assert running(text) == {"m": Running("ready, stopped")}
    memory = "".join(
        f'stentor_worker_memory_bytes{{model="m",backend="a",device="{device}"}} {taken}\n'
        for device, taken in (("ram", 2.0e9), ("cuda:0", 5.0))
    )
    assert running(text + memory) == {"m": Running("ready, stopped", 2_000_000_005)}
    assert running("") == {}
    assert running("<html>no metrics { here</html>") == {}


def test_voices_may_be_names_alone() -> None:
    assert [voice.id for voice in listed_voices({"voices": ["a", {"name": "b"}]})] == ["a", "b"]


@pytest.mark.parametrize(
    ("tag", "wanted", "spoken"),
    [
        ("en-us", "en", True),
        ("en-us", "EN_US", True),
        ("en", "en-us", True),
        ("en-gb", "en-us", False),
        ("eng", "en", False),
    ],
)
def test_voices_of_a_language(tag: str, wanted: str, spoken: bool) -> None:
    assert speaks(VoiceInfo("v", "V", (tag,), None, "m"), wanted) == spoken


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("a=1", ("a", 1)),
        ("a=1.5", ("a", 1.5)),
        ("a=true", ("a", True)),
        ("a=b=c", ("a", "b=c")),
        ("a=", ("a", "")),
        ("a=[1]", ("a", "[1]")),
        ("a=null", ("a", "null")),
    ],
)
def test_options(text: str, option: tuple[str, object]) -> None:
    assert parse_option(text) == option
    assert type(parse_option(text)[1]) is type(option[1])


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://host:1", "http://host:1"),
        ("https://host/v1/", "https://host"),
        ("host:8000/v1", "http://host:8000"),
        ("http://host/voice/v1", "http://host/voice"),
    ],
)
def test_addresses(given: str, url: str) -> None:
    assert base_url(given) == url


@pytest.mark.parametrize("given", ["ftp://host", "http://", "http://host:port", "http://[::1"])
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(UsageError):
        base_url(given)


def test_a_row_is_one_line() -> None:
    row = {"a": "x\ty\nz", "b": None, "c": True, "d": False, "e": ["1", "2"]}
    assert tab_separated(row) == "x y z\t\tyes\t\t1,2"
