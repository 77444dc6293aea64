from __future__ import annotations

import numpy as np
import pytest

from stentor.audio.cut import Frame, cut


def frames(pattern: str, *, gaps: dict[int, int] | None = None) -> list[Frame]:
    """A letter per frame: S speech, s unlikely speech, . none. `gaps`: frames left out before."""
    skipped = 0
    made = []
    for at, letter in enumerate(pattern):
        skipped += (gaps or {}).get(at, 0)
        likely = {"S": 0.9, "s": 0.2, ".": 0.1}[letter]
        made.append(Frame(at + skipped, np.zeros(0, np.int16), likely, letter != "."))
    return made


@pytest.mark.parametrize(
    ("pattern", "gaps", "where"),
    [
        # the middle of the only pause
        ("S" * 80 + "." * 10 + "S" * 10, {}, 85),
        # the longest in the last third, not the longest of all
        ("S" * 20 + "." * 20 + "S" * 30 + "." * 8 + "S" * 10 + "." * 4 + "S" * 8, {}, 74),
        # of equal ones the last
        ("S" * 70 + "." * 6 + "S" * 10 + "." * 6 + "S" * 8, {}, 89),
        # what was left out counts, and is where to cut
        ("S" * 70 + "." * 14 + "S" * 6 + "." * 4 + "S" * 6, {91: 50}, 91),
        # none in the last third: the last one
        ("S" * 10 + "." * 30 + "S" * 10 + "." * 4 + "S" * 46, {}, 52),
        # a consonant's stop is no pause
        ("S" * 30 + "." * 4 + "S" * 50 + "." * 3 + "S" * 13, {}, 32),
        # without a pause: after the least likely frame near the end
        ("s" + "S" * 299 + "s" + "S" * 20, {}, 301),
        ("S" * 60 + "." * 2 + "S" * 38, {}, 62),
        # silence at the beginning is no place to cut
        ("." * 20 + "S" * 79 + "s", {}, 100),
        ("S", {}, 1),
    ],
)
def test_cuts_where_it_hurts_least(pattern: str, gaps: dict[int, int], where: int) -> None:
    assert cut(frames(pattern, gaps=gaps)) == where
