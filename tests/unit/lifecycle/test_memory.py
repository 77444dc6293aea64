from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from stentor.lifecycle.memory import memory_budget, ram_size

ALL = psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        (None, ALL),
        ("max\n", ALL),
        ("1073741824\n", 2**30),
        ("9223372036854771712\n", ALL),  # what the first version says where there is none
        ("", ALL),
    ],
)
def test_a_container_may_have_less_than_its_machine(
    tmp_path: Path, limit: str | None, size: int
) -> None:
    file = tmp_path / "limit"
    if limit is not None:
        file.write_text(limit)
    assert ram_size([tmp_path / "missing", file]) == size


def test_a_budget_is_what_is_given_or_most_of_what_there_is() -> None:
    sizes = {"ram": 1000, "cuda:0": 100}
    assert memory_budget({}, sizes) == {"ram": 900, "cuda:0": 90}
    assert memory_budget({"cuda:0": 50, "cuda:1": 7}, sizes) == {
        "ram": 900,
        "cuda:0": 50,
        "cuda:1": 7,
    }
