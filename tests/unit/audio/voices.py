"""A voice that is always there: espeak-ng, from the wheel of the base install."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from stentor.audio.resample import Resampler
from stentor.types import Pcm

_SYNCHRONOUS, _UTF8 = 2, 1
_Heard = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@cache
def espeak(text: str, rate: int, voice: str = "en-us") -> Pcm:
    """`text`, spoken by espeak-ng. Its state is one per process, and so is this."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    pieces: list[NDArray[np.int16]] = []

    def heard(samples: Any, count: int, _: object) -> int:
        if samples and count:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _Heard(heard)
    data = espeakng_loader.get_data_path().encode()
    source_rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(voice.encode())
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
    resampler = Resampler(source_rate, rate)
    return np.concatenate((resampler.push(np.concatenate(pieces)), resampler.flush()))
