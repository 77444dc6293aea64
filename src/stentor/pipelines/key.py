"""The canonical key of a segment: equal keys, equal speech."""

from __future__ import annotations

import hashlib
import json
import secrets

from stentor_engine import SpeechCall

SEED_BITS = 31


def segment_key(call: SpeechCall, *, model: str, revision: str, voice_revision: str = "") -> str:
    """Hex SHA-256 over everything that shapes the sound of a segment."""
    parts = {
        "model": model,
        "revision": revision,
        "voice": call.voice,
        "voice_revision": voice_revision,
        "text": call.text,
        "language": call.language,
        "speed": call.speed,
        "seed": call.seed,
        "options": dict(call.options),
    }
    if call.instructions is not None:  # what a call does not say leaves its key as it was
        parts["instructions"] = call.instructions
    if call.reference is not None:
        parts["reference"] = call.reference.id
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def resolve_seed(seed: int | None, key_without_seed: str) -> int:
    """None: derived from the key, so equal requests are equal; -1: a new take each time."""
    if seed is None:
        return int(key_without_seed, 16) >> (256 - SEED_BITS)
    return secrets.randbits(SEED_BITS) if seed == -1 else seed
