"""Any file that holds audio, read as mono 16-bit samples. Files come from strangers: FFmpeg may
read the bytes it is given and nothing else, and no header is believed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import BinaryIO, cast

import av
import numpy as np
from av import AudioFrame, AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from stentor.errors import AudioTooLong, InvalidAudio
from stentor.types import Pcm, RawAudio

# Containers that carry their own media. Left out on purpose: playlists, scripts and session
# descriptions (hls, concat, sdp, imf, ...), which make FFmpeg open other files or sockets, image
# sequences, and headerless formats that any bytes would match.
CONTAINERS = (
    "aac,ac3,adx,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,dv,eac3,flac,flv,gxf,ircam,loas,"
    "matroska,mlp,mmf,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nut,ogg,oma,qcp,qoa,rm,shn,sox,"
    "tak,truehd,tta,voc,w64,wav,wtv,wv,xwma"
)
# The second line of defence: no protocol has this name.
_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}

_RAW = {
    "pcm_s16le": "s16le",
    "pcm_s16be": "s16be",
    "pcm_f32le": "f32le",
    "pcm_mulaw": "mulaw",
    "pcm_alaw": "alaw",
}
"""FFmpeg's names of what RawAudio calls by the names of codecs."""

# Below, resampling would blow a small file up; above, the resampler's filter itself grows.
RATES = range(1_000, 768_001)
MAX_CHANNELS = 64
# FFmpeg knows how to mix down the layouts up to 7.1; wider ones are plain arrays of microphones.
_MIXED_CHANNELS = 8


class _Nameless:
    """Hides a file's name, from which FFmpeg would guess formats and make messages."""

    def __init__(self, source: BinaryIO) -> None:
        self.read = source.read
        self.seek = source.seek
        self.tell = source.tell


def decode(
    source: BinaryIO, *, rate: int = 16_000, max_seconds: float, raw: RawAudio | None = None
) -> Generator[Pcm, None, None]:
    """The first audio stream of a seekable file, from its start, mixed down to mono. `raw`: the
    file is nothing but such samples; what is left of one at its end is dropped.

    Yields int16 blocks of half a second at `rate` Hz, the last one shorter. Corrupt parts are
    skipped, and a file that was cut ends where it was cut. `source` is left open.

    Raises InvalidAudio at once, not at the first `next()`, when nothing can be decoded;
    AudioTooLong as soon as more than `max_seconds` were decoded; and what `source` itself raises.
    """
    frames = _frames(*_open(source, raw))
    blocks = _blocks(_limited(_mono(frames, rate), rate, max_seconds), rate // 2)
    first = next(blocks, None)
    if first is None:
        raise InvalidAudio("The file holds no audio that can be decoded.")
    return _resumed(first, blocks)


def _resumed(first: Pcm, rest: Iterator[Pcm]) -> Generator[Pcm, None, None]:
    yield first
    yield from rest


def _open(source: BinaryIO, raw: RawAudio | None) -> tuple[InputContainer, AudioStream]:
    source.seek(0)
    if not source.read(1):
        raise InvalidAudio("The file is empty.")
    source.seek(0)
    try:
        # Tags are often not in the encoding they claim.
        container = av.open(
            _Nameless(source),
            "r",
            format=_RAW[raw.format] if raw else None,
            container_options=_raw_options(raw) if raw else _OPTIONS,
            metadata_errors="replace",
        )
    except FFmpegError as error:
        raise InvalidAudio("The file is not audio in a format that can be read.") from error
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise InvalidAudio("The file has no audio stream.")
    if stream.codec_context is None:
        raise InvalidAudio("The file's audio codec is not supported.")
    _check(stream.codec_context.channels, stream.codec_context.sample_rate)
    return container, stream


def _raw_options(raw: RawAudio) -> dict[str, str]:
    """Raises InvalidAudio for what FFmpeg would not take."""
    _check(raw.channels, raw.rate)
    return {
        **_OPTIONS,
        "format_whitelist": _RAW[raw.format],
        "sample_rate": str(raw.rate),
        "ch_layout": f"{raw.channels}c",
    }


def _check(channels: int, rate: int) -> None:
    if not 1 <= channels <= MAX_CHANNELS:
        raise InvalidAudio(f"Audio with {channels} channels cannot be read.")
    if rate not in RATES:
        raise InvalidAudio(f"Audio at {rate} Hz cannot be read.")


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    with container:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            # The end; where the file was cut; PyAV's end where another stream appeared midway.
            except (StopIteration, FFmpegError, IndexError):
                return
            try:
                frames = packet.decode()
            except FFmpegError:  # a corrupt packet costs no more than itself
                continue
            yield from frames


def _mono(frames: Iterator[AudioFrame], rate: int) -> Iterator[Pcm]:
    """Frames may change their format anywhere: in chained streams, or where bytes are corrupt."""
    resampler, known = AudioResampler(), None
    try:
        for frame in frames:
            shape = (frame.format.name, frame.layout.name, frame.sample_rate)
            if shape != known:
                yield from map(_mixed, resampler.resample(None))
                resampler, known = _resampler(frame, rate), shape
            # Times are of no use here, and broken ones only confuse.
            frame.pts = None
            yield from map(_mixed, resampler.resample(frame))
        yield from map(_mixed, resampler.resample(None))
    except FFmpegError as error:
        raise InvalidAudio("The file's audio cannot be converted.") from error


def _resampler(frame: AudioFrame, rate: int) -> AudioResampler:
    channels = frame.layout.nb_channels
    _check(channels, frame.sample_rate)
    layout = "mono" if channels <= _MIXED_CHANNELS else frame.layout
    return AudioResampler("s16", layout, rate)


def _mixed(frame: AudioFrame) -> Pcm:
    samples = cast(Pcm, frame.to_ndarray()).ravel()
    channels = frame.layout.nb_channels
    if channels == 1:
        return samples
    mixed: Pcm = samples.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return mixed


def _limited(chunks: Iterator[Pcm], rate: int, max_seconds: float) -> Iterator[Pcm]:
    left = round(max_seconds * rate)
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise AudioTooLong(f"The audio is longer than {max_seconds:g} seconds.")
        yield chunk


def _blocks(chunks: Iterator[Pcm], size: int) -> Iterator[Pcm]:
    """The same samples in blocks of `size`, the last one shorter."""
    held: list[Pcm] = []
    count = 0
    for chunk in chunks:
        held.append(chunk)
        count += len(chunk)
        if count >= size:
            joined = np.concatenate(held)
            whole = count - count % size
            yield from np.split(joined[:whole], whole // size)
            held, count = [joined[whole:].copy()], count - whole
    if count:
        yield np.concatenate(held)
