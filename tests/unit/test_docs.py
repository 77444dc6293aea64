"""The pages lead somewhere, and the guide's engine is a real one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from tests.audio import Samples, decoded
from tests.e2e.command import stentor

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def links(page: Path) -> Iterator[str]:
    """Those inside the project; what stands in a block of code is none."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://")):
            yield target


def anchors(page: Path) -> set[str]:
    """As code hosts make them of headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head).lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_the_guides_engine_speaks(tmp_path: Path) -> None:
    """As the guide has it: in a folder of one's own, with what stands there."""
    guide = (ROOT / "docs" / "guides" / "writing-an-engine.md").read_text(encoding="utf-8")
    blocks = [*re.finditer(r"^```(\w+)\n(.*?)^```", guide, flags=re.M | re.S)]
    python, toml = (next(b[2] for b in blocks if b[1] == kind) for kind in ("python", "toml"))
    (tmp_path / "engines").mkdir()
    (tmp_path / "engines" / "morse.py").write_text(python)
    (tmp_path / "stentor.toml").write_text(toml)
    said = ["say", "e t", "--model", "morse", "-o", "sos.wav", "--option", "wpm=12"]
    done = stentor(*said, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    samples, rate = decoded((tmp_path / "sos.wav").read_bytes())
    # A dot of 0.1 s, silence of seven, a dash of three; then the pause at the end of a text.
    expected = [(True, 0.1), (False, 0.7), (True, 0.3), (False, 0.1)]
    heard = sound_and_silence(samples, rate)
    assert [loud for loud, _ in heard] == [loud for loud, _ in expected]
    assert [seconds for _, seconds in heard] == pytest.approx([s for _, s in expected], abs=0.015)


def sound_and_silence(samples: Samples, rate: int) -> list[tuple[bool, float]]:
    """Runs of either, with their seconds."""
    block = rate // 200
    levels = np.abs(samples[: len(samples) // block * block]).reshape(-1, block).max(axis=1)
    runs = groupby(levels > 0.1 * levels.max())
    return [(bool(loud), len(list(run)) * block / rate) for loud, run in runs]
