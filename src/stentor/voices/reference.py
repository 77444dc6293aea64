"""The recording that a client sends along, for its voice to speak."""

from __future__ import annotations

import io

import numpy as np

from stentor.audio.decode import decode
from stentor.errors import AudioTooLong, InvalidAudio, InvalidRequest
from stentor_engine import REFERENCE_RATE, Capabilities, Reference
from stentor_engine.references import reference_id, samples_of

PARAM = "reference_audio"


def read_reference(recording: bytes, capabilities: Capabilities) -> Reference:
    """`recording`: of any container. Raises InvalidRequest where the model cannot use it."""
    if capabilities.reference is None:
        raise InvalidRequest("this model cannot take on the voice of a recording", param=PARAM)
    shortest, longest = capabilities.reference
    try:
        blocks = decode(io.BytesIO(recording), rate=REFERENCE_RATE, max_seconds=longest)
        pcm = np.concatenate(list(blocks)).astype("<i2").tobytes()
    except AudioTooLong as error:
        raise InvalidRequest(f"the recording is longer than {longest:g} s", param=PARAM) from error
    except InvalidAudio as error:
        raise InvalidRequest(str(error), param=PARAM) from error
    if len(pcm) < 2 * shortest * REFERENCE_RATE:
        raise InvalidRequest(f"the recording is shorter than {shortest:g} s", param=PARAM)
    return Reference(reference_id(pcm), samples_of(pcm))
