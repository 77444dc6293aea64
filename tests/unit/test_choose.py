from __future__ import annotations

import pytest

from stentor.routing.choose import Candidate, choose

FREE = Candidate(free=1, healthy=True, warm=True)
COLD = Candidate(free=1, healthy=True, warm=False)
BUSY = Candidate(free=0, healthy=True, warm=True)
SICK = Candidate(free=1, healthy=False, warm=False)
FAILED = Candidate(free=1, healthy=True, warm=True, failed=True)
SICK_AND_BUSY = Candidate(free=0, healthy=False, warm=False)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([FREE, FREE], 0),
        ([COLD, FREE], 0),
        ([BUSY, FREE], 1),
        ([SICK, FREE], 1),
        ([SICK, BUSY], None),
        ([BUSY, BUSY], None),
        ([SICK, SICK], 0),
        ([SICK_AND_BUSY, SICK], 1),
        ([FAILED, COLD], 1),
        ([FAILED, BUSY], None),
        ([FAILED, SICK], 0),
        ([FAILED, FAILED], 0),
        ([], None),
    ],
)
def test_choice(candidates: list[Candidate], chosen: int | None) -> None:
    assert choose(candidates) == chosen
