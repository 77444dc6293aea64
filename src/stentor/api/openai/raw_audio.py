"""Uploads that are samples without a header: nothing but the request can tell what they are."""

from __future__ import annotations

from fastapi import UploadFile
from python_multipart.multipart import parse_options_header

from stentor.audio.decode import RATES
from stentor.errors import InvalidRequest
from stentor.types import RawAudio, RawFormat

_BY_TYPE: dict[str, RawFormat] = {
    "audio/pcm": "pcm_s16le",  # as OpenAI's realtime API has it
    "audio/l16": "pcm_s16be",  # RFC 2586: in network byte order
    "audio/pcmu": "pcm_mulaw",
    "audio/pcma": "pcm_alaw",
}
MOST_CHANNELS = 8


def raw_audio(
    file: UploadFile, declared: RawFormat | None, rate: int | None, channels: int | None
) -> RawAudio | None:
    """From the form's fields, else from the file's content type; None when neither says raw.

    Raises InvalidRequest for a content type whose parameters cannot be, and for fields that tell
    about samples without a header where the file has one.
    """
    content_type, parameters = _parsed(file.content_type)
    raw = declared or _BY_TYPE.get(content_type)
    if raw is None:
        for name, value in (("sample_rate", rate), ("channels", channels)):
            if value is not None:
                raise InvalidRequest(
                    f"{name} is for samples without a header: give input_format too", param=name
                )
        return None
    if content_type == "audio/l16" and parameters.get("endianness") == "little-endian":
        raw = declared or "pcm_s16le"
    usual = 8_000 if raw in ("pcm_mulaw", "pcm_alaw") else 16_000
    return RawAudio(
        raw,
        rate or _number(parameters, "rate", usual, RATES),
        channels or _number(parameters, "channels", 1, range(1, MOST_CHANNELS + 1)),
    )


def _parsed(content_type: str | None) -> tuple[str, dict[str, str]]:
    kind, parameters = parse_options_header(content_type)
    texts = {name.decode().lower(): value.decode("latin-1") for name, value in parameters.items()}
    return kind.decode().lower(), texts


def _number(parameters: dict[str, str], name: str, usual: int, allowed: range) -> int:
    text = parameters.get(name)
    if text is None:
        return usual
    if not text.isdecimal() or len(text) > 9 or int(text) not in allowed:
        raise InvalidRequest(f"the file's content type has a bad {name}", param="file")
    return int(text)
