"""The fields of a transcription, as OpenAI's clients send them, and our own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, model_validator

from stentor.api.openai.raw_audio import raw_audio
from stentor.api.openai.server_vad import vad_settings
from stentor.errors import InvalidRequest, UnsupportedFormat
from stentor.types import RawFormat, TranscriptionRequest
from stentor_engine import OptionValue

FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
LISTS = (
    *("languages", "keywords", "timestamp_granularities", "include"),
    *("known_speaker_names", "known_speaker_references"),
)
_NESTED = re.compile(r"(?P<name>\w+)\[(?P<key>\w*)\]")


class AudioForm(BaseModel):
    """Of a transcription and of a translation: fields of OpenAI's, then our own. Unknown fields
    are ignored. Lists may be named with or without brackets, empty ones or numbered ones; an object
    is JSON, or one field for each of its keys: `options[beam_size]`.
    """

    model_config = ConfigDict(extra="ignore")

    file: UploadFile
    model: str
    prompt: str | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    response_format: str = "json"

    language: Annotated[str | None, Field(description="of the speech; not given or auto: open")] = (
        None
    )
    options: Annotated[str | None, Field(description="the engine's own parameters: JSON")] = None
    input_format: Annotated[
        RawFormat | None, Field(description="the file is samples without a header")
    ] = None
    sample_rate: Annotated[
        int | None, Field(ge=1_000, le=768_000, description="Hz, of samples without a header")
    ] = None
    channels: Annotated[
        int | None, Field(ge=1, le=8, description="of samples without a header")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _join_brackets(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """`name[]` and `name[0]` are of a list, `name[key]` of an object, told as JSON."""
        joined = dict(fields)
        objects: dict[str, dict[str, Any]] = {}
        for field, value in fields.items():
            nested = _NESTED.fullmatch(field)
            if nested is None:
                continue
            name, key = nested["name"], nested["key"]
            if key and not key.isdecimal():
                objects.setdefault(name, {})[key] = _scalar(value)
            else:
                more = value if isinstance(value, list) else [value]
                joined[name] = [*_list(joined.get(name)), *more]
        for name, members in objects.items():
            joined.setdefault(name, json.dumps(members))
        return joined | {name: _given(joined[name]) for name in LISTS if name in joined}

    def request(self, task: Literal["transcribe", "translate"]) -> TranscriptionRequest:
        """What is asked of the pipeline; raises InvalidRequest."""
        if self.response_format not in FORMATS:
            raise UnsupportedFormat(
                f"'{self.response_format}' is not a format; there are {', '.join(FORMATS)}",
                param="response_format",
            )
        subtitles = self.response_format in ("srt", "vtt")
        return TranscriptionRequest(
            model=self.model,
            language=None if (self.language or "auto").lower() == "auto" else self.language,
            prompt=self.prompt,
            temperature=self.temperature,
            task=task,
            words="possible" if subtitles else "none",
            raw=raw_audio(self.file, self.input_format, self.sample_rate, self.channels),
            options=_options(self.options),
        )


class TranscriptionForm(AudioForm):
    languages: list[str] = []
    keywords: list[str] = []
    timestamp_granularities: list[Literal["word", "segment"]] = []
    chunking_strategy: Annotated[
        str | None, Field(description="auto, or an object of the type server_vad: JSON")
    ] = None
    include: list[Literal["logprobs"]] = []
    known_speaker_names: list[str] = []
    known_speaker_references: list[str] = []
    stream: bool = False

    def transcription(self) -> TranscriptionRequest:
        """What is asked of the pipeline; raises InvalidRequest."""
        self._refuse()
        asked = self.request("transcribe")
        if self.stream and self.response_format not in ("json", "text"):
            raise UnsupportedFormat(
                "events carry text alone: use json or text, or do not stream",
                param="response_format",
            )
        return replace(
            asked,
            languages=tuple(filter(None, self.languages)),
            keywords=tuple(filter(None, self.keywords)),
            words="required" if "word" in self.timestamp_granularities else asked.words,
            vad=vad_settings(self.chunking_strategy),
        )

    def _refuse(self) -> None:
        """What no model here can do, and what makes no sense: an answer without it would be taken
        for one with it.
        """
        if self.response_format == "diarized_json":
            raise UnsupportedFormat(
                "no model here tells speakers apart; use verbose_json", param="response_format"
            )
        for name in ("known_speaker_names", "known_speaker_references"):
            if getattr(self, name):
                raise InvalidRequest("no model here tells speakers apart", param=name)
        if self.include:
            raise InvalidRequest("no model here tells logprobs of tokens", param="include")
        if "word" in self.timestamp_granularities and self.response_format != "verbose_json":
            raise InvalidRequest(
                "words in time come with the response_format verbose_json only",
                param="timestamp_granularities",
            )


def _options(text: str | None) -> dict[str, OptionValue]:
    """Their names and values are the engine's to check."""
    if not text:
        return {}
    try:
        options = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("options: not valid JSON", param="options") from error
    if not isinstance(options, dict) or not all(
        isinstance(value, str | int | float | bool) for value in options.values()
    ):
        raise InvalidRequest(
            "options: not an object of strings, numbers and booleans", param="options"
        )
    return options


def _given(value: Any) -> list[Any]:
    """Without what a form leaves empty."""
    return [each for each in _list(value) if each != ""]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _scalar(value: Any) -> Any:
    """Form fields are texts: a number or a boolean is one that reads so."""
    try:
        parsed = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return parsed if isinstance(parsed, int | float | bool) else str(value)
