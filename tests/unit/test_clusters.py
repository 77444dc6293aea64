"""Which characters belong together."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.text.clusters import cluster_ends

# Each can stand next to any other without becoming one with it.
CLUSTERS = [
    "a",
    "e\u0301\u0323",
    "\r\n",
    "\n",
    "🇩🇪",
    "👩\u200d👩\u200d👧",
    "👍🏽",
    "❤\ufe0f\u200d🔥",
    "1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e007f",
    "क्षि",
    "നി",
    "กำ",
    "เกิ",
    "각",
    "\u1112\u1161\u11ab",
    "か\u3099",
    "ｶﾞ",
    "\ud83d\ude00",
    "שָׁ",
    "漢",
    "葛\U000e0100",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(CLUSTERS), min_size=1))
def test_clusters_are_found(clusters: list[str]) -> None:
    text = "".join(clusters)

    assert list(cluster_ends(text, 0, len(text))) == list(accumulate(map(len, clusters)))


@pytest.mark.parametrize(
    "cluster", [cluster for cluster in CLUSTERS if len(cluster) > 1], ids=ascii
)
def test_a_cluster_has_no_end_within(cluster: str) -> None:
    assert list(cluster_ends(cluster + "a", 0, len(cluster) - 1)) == []


@pytest.mark.parametrize("control", ["\n", "\f", "\0", "\x85", "\u2029"])
def test_nothing_extends_a_control(control: str) -> None:
    assert list(cluster_ends(control + "\u200d\u0301", 0, 3)) == [1, 3]


def test_flags_are_counted_from_the_start() -> None:
    flags = "🇩🇪🇫🇷🇮"

    assert list(cluster_ends(flags, 0, 5)) == [2, 4, 5]
    assert list(cluster_ends(flags, 2, 4)) == [4]
