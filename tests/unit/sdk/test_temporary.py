from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from stentor_engine.temporary import fleeting_files


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_left_meanwhile_goes(fails: bool) -> None:
    before = tempfile.gettempdir()
    left: list[Path] = []
    try:
        with fleeting_files():
            left.append(Path(tempfile.mkdtemp()))
            (left[0] / "library.so").touch()
            if fails:
                raise OSError("it cannot be loaded")
    except OSError:
        assert fails
    assert not left[0].exists()
    assert tempfile.gettempdir() == before
