"""From samples to the bytes of a response. One encoder serves a whole response: no seams."""

from __future__ import annotations

from typing import Protocol

from stentor.audio.codec import Codec, Compressed
from stentor.audio.wav import Plain, wav_header
from stentor.errors import InvalidRequest, UnsupportedFormat
from stentor.types import Pcm


class Encoder(Protocol):
    """Mono int16 in, bytes out; each call returns the bytes that are ready, perhaps none.

    Ends with `finish`, or with `close` where the response is abandoned; neither may be followed by
    anything but `close`.
    """

    content_type: str

    def push(self, pcm: Pcm) -> bytes: ...
    def finish(self) -> bytes: ...
    def close(self) -> None: ...


_CODECS = {
    # Without the bit reservoir the first frame comes after 50 ms of audio instead of 80; at this
    # rate it is not missed. Below 16 kHz the format ends at 64 kb/s, which LAME sees to. Xing and
    # ID3 headers want a seekable sink or carry nothing.
    "mp3": Codec(
        "audio/mpeg",
        "mp3",
        "libmp3lame",
        (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
        128_000,
        {"reservoir": "0"},
        {"write_xing": "0", "id3v2_version": "0"},
    ),
    # A page per packet: pages of a second, the default, would hold that much audio back.
    "opus": Codec(
        "audio/ogg",
        "ogg",
        "libopus",
        (8_000, 12_000, 16_000, 24_000, 48_000),
        64_000,
        muxing={"page_duration": "20000"},
    ),
    "aac": Codec(
        "audio/aac",
        "adts",
        "aac",
        (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
        96_000,
    ),
    # 8 KiB of padding for tags would be the first thing on the wire.
    "flac": Codec("audio/flac", "flac", "flac", muxing={"metadata_header_padding": "0"}),
}

FORMATS = ("wav", "pcm", *_CODECS)


def new_encoder(fmt: str, rate: int, samples: int | None = None) -> Encoder:
    """An encoder for one of FORMATS, taking samples at `rate` Hz.

    `samples`: how many will be pushed, for a complete wav with exact sizes; None: a stream. Raises
    UnsupportedFormat, or InvalidRequest for a rate that the format does not have.
    """
    if fmt == "wav":
        return Plain("audio/wav", wav_header(rate, samples), samples)
    if fmt == "pcm":
        return Plain("audio/pcm", b"", samples)
    codec = _CODECS.get(fmt)
    if codec is None:
        raise UnsupportedFormat(
            f"{fmt!r} is not a format; there are {', '.join(FORMATS)}.", param="response_format"
        )
    if codec.rates and rate not in codec.rates:
        rates = ", ".join(map(str, codec.rates))
        raise InvalidRequest(f"{fmt} has the sample rates {rates} Hz", param="sample_rate")
    return Compressed(codec, rate)


def encode(fmt: str, rate: int, pcm: Pcm) -> bytes:
    """The complete file."""
    encoder = new_encoder(fmt, rate, len(pcm))
    try:
        return encoder.push(pcm) + encoder.finish()
    finally:
        encoder.close()
