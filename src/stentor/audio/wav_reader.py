"""A wav that comes in pieces, as mono samples: from a server that may still be speaking."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stentor.types import Pcm

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
ENDLESS = 0x7FFF_0000
"""Sizes from here on, and 0, are those of a stream whose length its writer did not know."""
HEAD_MOST = 1 << 20
"""Bytes in which the samples must begin."""
_PARTS: dict[tuple[int, int], np.dtype[Any]] = {
    (PCM, 8): np.dtype("u1"),
    (PCM, 16): np.dtype("<i2"),
    (PCM, 32): np.dtype("<i4"),
    (FLOAT, 32): np.dtype("<f4"),
    (FLOAT, 64): np.dtype("<f8"),
}


class NotWav(Exception):
    """What came is no wav that can be read, or not all of one."""


class RawReader:
    """s16le mono samples without a header, at `rate` Hz."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._rest = b""

    def push(self, data: bytes) -> Pcm:
        data = self._rest + data
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        return np.frombuffer(data[:whole], "<i2").astype(np.int16)

    def finish(self) -> None:
        """Raises NotWav for half a sample."""
        if self._rest:
            raise NotWav("its last sample is half a one")


class WavReader:
    """Integers of 8, 16, 24 or 32 bits and floats; channels are mixed. `rate` in Hz, 0 before the
    header was read. https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
    """

    def __init__(self) -> None:
        self.rate = 0
        self._channels = 0
        self._format = (0, 0)
        self._head = b""
        self._rest = b""
        self._left: int | None = 0
        """Bytes of samples that are still due; None: until the end."""
        self._reading = False
        self._after = b""

    @property
    def endless(self) -> bool:
        """Only the end of the stream tells where its samples end."""
        return self._reading and self._left is None

    def push(self, data: bytes) -> Pcm:
        """The samples that are complete; raises NotWav."""
        if not self._reading:
            self._head += data
            begin = self._parse()
            if begin is None:
                return np.empty(0, np.int16)
            data, self._head = self._head[begin:], b""
        return self._samples(data)

    def finish(self) -> None:
        """The stream has ended; raises NotWav where it should not have."""
        if not self._reading:
            raise NotWav("it ended before its samples began")
        if self._left:
            raise NotWav(f"{self._left} bytes of its samples are missing")
        if self._rest:
            raise NotWav("its last sample is half a one")

    def _samples(self, data: bytes) -> Pcm:
        if self._left is not None:
            data, after = data[: self._left], data[self._left :]
            self._left -= len(data)
            self._check_after(after)
        data = self._rest + data
        frame = self._channels * self._format[1] // 8
        whole = len(data) // frame * frame
        self._rest = data[whole:]
        return _mixed(_parsed(data[:whole], self._format), self._channels)

    def _check_after(self, after: bytes) -> None:
        """Chunks may follow, of other things. Samples that were not announced would be lost."""
        if len(self._after) >= 5 or not after:
            return
        self._after += after[: 5 - len(self._after)]
        name = self._after.lstrip(b"\0")[:4]  # a chunk of odd length is padded
        if not name.isascii() or b"\0" in name or name == b"RIFF":
            raise NotWav("more follows its samples than it announced")

    def _parse(self) -> int | None:
        """Where the samples begin; None: not known yet."""
        head = self._head
        if len(head) >= 12 and (head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE"):
            raise NotWav("it does not begin as a wav")
        at = 12
        while at + 8 <= len(head):
            name, size = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
            if name == b"data":
                return self._begin(at + 8, size)
            if name == b"fmt " and at + 8 + min(size, 40) <= len(head):
                self._read_format(head[at + 8 : at + 8 + size])
            at += 8 + size + size % 2
        if len(head) > HEAD_MOST or at > HEAD_MOST:
            raise NotWav("its samples never begin")
        return None

    def _begin(self, at: int, size: int) -> int:
        if not self.rate:
            raise NotWav("its samples come before their format")
        self._left = None if size == 0 or size >= ENDLESS else size
        self._reading = True
        return at

    def _read_format(self, chunk: bytes) -> None:
        if len(chunk) < 16:
            raise NotWav("its format is cut off")
        kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
        if kind == EXTENSIBLE and len(chunk) >= 26:
            kind = struct.unpack_from("<H", chunk, 24)[0]
        if (kind, bits) not in _PARTS and (kind, bits) != (PCM, 24):
            raise NotWav(f"its samples are of format {kind} with {bits} bits")
        if not (1 <= channels <= 8 and 1_000 <= rate <= 768_000):
            raise NotWav(f"it has {channels} channels at {rate} Hz")
        self.rate, self._channels, self._format = rate, channels, (kind, bits)


def _parsed(data: bytes, form: tuple[int, int]) -> NDArray[np.float32] | Pcm:
    """int16 as it is, all else as float32 of the size of int16."""
    kind, bits = form
    if form == (PCM, 24):
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        deep: NDArray[np.float32] = (wide.view("<i4")[:, 0] / 65_536).astype(np.float32)
        return deep
    values: NDArray[Any] = np.frombuffer(data, _PARTS[form])
    if form == (PCM, 16):
        return values.astype(np.int16)
    floats: NDArray[np.float32] = values.astype(np.float32)
    if kind == FLOAT:
        return np.clip(np.nan_to_num(floats), -1, 1) * np.float32(32_768)
    return (floats - 128) * 256 if bits == 8 else floats / np.float32(65_536)


def _mixed(values: NDArray[np.float32] | Pcm, channels: int) -> Pcm:
    if channels == 1 and values.dtype == np.int16:
        return values.astype(np.int16, copy=False)
    mean = values.astype(np.float32).reshape(-1, channels).mean(axis=1)
    mixed: Pcm = np.clip(np.rint(mean), -32_768, 32_767).astype(np.int16)
    return mixed
