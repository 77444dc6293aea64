from __future__ import annotations

import numpy as np

from stentor_engine import Reference
from stentor_engine.references import References, reference_id, samples_of


def reference(name: str, samples: int = 100) -> Reference:
    return Reference(name, np.zeros(samples, np.float32))


def test_what_was_used_last_stays() -> None:
    references = References(bound=3 * 400)
    for name in "abc":
        references.put(reference(name))
    assert references.get("a") is not None
    references.put(reference("d"))
    assert references.get("b") is None
    assert all(references.get(name) is not None for name in "acd")


def test_a_single_one_stays_whatever_its_size() -> None:
    references = References(bound=10)
    references.put(reference("a", 1_000))
    assert references.get("a") is not None
    references.put(reference("b", 1_000))
    assert references.get("a") is None
    assert references.get("b") is not None


def test_equal_samples_have_equal_ids() -> None:
    pcm = np.array([0, 16_384, -32_768], "<i2").tobytes()
    assert reference_id(pcm) == reference_id(bytes(pcm)) != reference_id(pcm[2:])
    assert samples_of(pcm).tolist() == [0.0, 0.5, -1.0]
