"""That segments are the text, fit an engine, and end where a speaker would pause."""

from __future__ import annotations

import re
import tracemalloc
import unicodedata
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sentencex import get_sentence_boundaries

from stentor.text.clusters import cluster_ends
from stentor.text.segment import Boundary, TextSegment, segment

ANY_TEXT = st.text(st.characters(exclude_categories=()))
LATIN = (
    "a|word |Hi. |Dr. No |one, |; |...|?!| |\n|\n\n|---\n\n|(|)|“|” |3.14 |1,000 |12:30|— |$|1. |- "
)
OTHERS = (
    "é|e\u0301|👩\u200d👧|🇩🇪|😀 |你好|。|，|สวัสดี |नमस्ते।|مرحبا، |\ud83d|\u200d|\ufe0f|\u0301|\ufffd"
)
PIECES = st.sampled_from(f"{LATIN}|{OTHERS}".split("|"))
TEXTS = ANY_TEXT | st.lists(PIECES).map("".join) | st.lists(PIECES, min_size=30).map("".join)
SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))

ENGLISH = (
    "It was a bright cold day in April, and the clocks were striking thirteen. Winston Smith, "
    "his chin nuzzled into his breast, slipped quickly through the doors. He was late. "
)


def ends(text: str, max_chars: int, first_chars: int) -> list[tuple[str, Boundary]]:
    parts = segment(text, max_chars=max_chars, first_chars=first_chars)
    return [(part.text, part.boundary) for part in parts]


def texts(text: str, max_chars: int = 300, first_chars: int = 80) -> list[str]:
    return [part for part, _ in ends(text, max_chars, first_chars)]


def is_spoken(char: str) -> bool:
    category = unicodedata.category(char)
    picture = category == "So" and char != "\ufffd" and not "\u2500" <= char <= "\u259f"
    return category[0] in "LN" or category == "Sc" or picture


def longest_silence(text: str) -> int:
    return max(map(len, "".join("a" if is_spoken(char) else " " for char in text).split("a")))


@settings(deadline=None)
@given(TEXTS, SIZES)
@example("", (300, 80))
@example(" \n\n ", (300, 80))
def test_segments_are_the_text(text: str, sizes: tuple[int, int]) -> None:
    parts = list(segment(text, max_chars=sizes[0], first_chars=sizes[1]))

    assert "".join(part.text for part in parts) == text
    assert [part.start for part in parts] == [0, *accumulate(len(part.text) for part in parts)][:-1]
    assert all(part.text for part in parts)
    assert [part for part in parts if part.boundary is Boundary.END] == parts[-1:]


@settings(deadline=None)
@given(TEXTS, SIZES)
def test_segments_have_the_size(text: str, sizes: tuple[int, int]) -> None:
    max_chars, first_chars = sizes
    lengths = [
        len(part.strip()) for part in texts(text, max_chars=max_chars, first_chars=first_chars)
    ]

    assert all(length <= max_chars for length in lengths)
    assert all(length <= first_chars for length in lengths[:1])


@settings(deadline=None)
@given(TEXTS, st.integers(30, 90), st.integers(15, 90))
@example("a" * 90 + " -----", 90, 30)
@example("“— one — two —” … (three) … * * *", 30, 15)
def test_segments_have_something_to_speak(text: str, max_chars: int, first_chars: int) -> None:
    parts = texts(text, max_chars=max_chars, first_chars=first_chars)
    silent = [part for part in parts if not any(map(is_spoken, part))]

    assert (
        not silent or parts == [text] or longest_silence(text) >= min(first_chars, max_chars) // 3
    )


@settings(deadline=None)
@given(TEXTS, SIZES)
def test_paragraphs_are_never_merged(text: str, sizes: tuple[int, int]) -> None:
    for part in segment(text, max_chars=sizes[0], first_chars=sizes[1]):
        spoken = [
            bool(re.search(r"[^\W_]", piece)) for piece in re.split(r"\n[^\S\n]*\n", part.text)
        ]
        assert spoken.count(True) <= 1
        blank = part.text[len(part.text.rstrip()) :]
        if re.search(r"\n[^\S\n]*\n", blank):
            assert part.boundary in (Boundary.PARAGRAPH, Boundary.END)


@settings(deadline=None)
@given(TEXTS)
def test_clusters_stay_whole(text: str) -> None:
    clusters = {0, *cluster_ends(text, 0, len(text))}
    lengths = [end - start for start, end in pairwise(sorted(clusters))]

    if max(lengths, default=0) <= 30:
        assert {part.start for part in segment(text, max_chars=90, first_chars=60)} <= clusters


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["One. ", "Two words! ", ENGLISH, "And so on, you know; "]), min_size=9
    )
)
def test_only_the_end_of_a_paragraph_may_be_short(sentences: list[str]) -> None:
    parts = list(segment("".join(sentences)))

    assert all(len(part.text.strip()) >= 20 for part in parts[:-1])


def test_the_first_is_short_and_the_next_ones_grow() -> None:
    lengths = [len(part.strip()) for part in texts(ENGLISH * 50)]

    assert 20 <= lengths[0] <= 80
    assert 80 <= lengths[1] <= 160
    assert all(160 <= length <= 300 for length in lengths[2:-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi. How are you today?", ["Hi. How are you today?"]),
        ("Hi.\n\nHow are you today?", ["Hi.\n\n", "How are you today?"]),
        ("Hi.\n***\nHow are you?", ["Hi.\n***\nHow are you?"]),
        (
            "\n\n --- \n\nHi.\n\n* * *\n\nBye.\n\n---\n",
            ["\n\n --- \n\nHi.\n\n* * *\n\n", "Bye.\n\n---\n"],
        ),
        ("...", ["..."]),
        ("?!", ["?!"]),
        ("  ", ["  "]),
        ("", []),
        ("$", ["$"]),
        ("(!) 😀", ["(!) 😀"]),
    ],
)
def test_short_texts(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_a_boundary_says_what_ended_the_segment() -> None:
    text = (
        "The first of the sentences ends here. The second one is far too long for the sizes of "
        "this test, but has a comma. It ends.\n\nWithoutanyspaceatallthisgoeson. Over."
    )

    assert ends(text, max_chars=70, first_chars=40) == [
        ("The first of the sentences ends here. ", Boundary.SENTENCE),
        ("The second one is far too long for the sizes of this test, ", Boundary.CLAUSE),
        ("but has a comma. It ends.\n\n", Boundary.PARAGRAPH),
        ("Withoutanyspaceatallthisgoeson. Over.", Boundary.END),
    ]
    assert ends("one two three four five six seven eight", max_chars=20, first_chars=20) == [
        ("one two three four ", Boundary.FORCED),
        ("five six seven eight", Boundary.END),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It costs 3.14 or 1,000.50 euro at 12:30 o'clock, e.g., https://example.org/a,b;c:d?e=f",
            [
                "It costs 3.14 or 1,000.50 euro at 12:30 o'clock, ",
                "e.g., https://example.org/a,b;c:d?e=f",
            ],
        ),
        (
            "He waited for some time... and then for still more 10 000 000 times, or so it seemed",
            [
                "He waited for some time... ",
                "and then for still more 10 000 000 times, ",
                "or so it seemed",
            ],
        ),
        (
            "Bien sûr que non ! Et vous dites : « Comment allez-vous aujourd'hui, mon ami ? »",
            [
                "Bien sûr que non ! ",
                "Et vous dites : ",
                "« Comment allez-vous aujourd'hui, mon ami ? »",
            ],
        ),
        (
            "Er sagte: „Das ist nicht wahr. Das war nie so, und es wird auch nie so sein.“",
            ["Er sagte: „Das ist nicht wahr. ", "Das war nie so, und es wird auch nie so sein.“"],
        ),
        (
            "- milk and bread\n- butter and jam\n- cheese",
            ["- milk and bread\n- butter and jam\n- cheese"],
        ),
    ],
)
def test_where_long_sentences_are_cut(text: str, expected: list[str]) -> None:
    assert texts(text, max_chars=52, first_chars=52) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "今天天气很好，我们一家人去公园散步、骑车、放风筝。价格是1,234.5元，时间是１２：３０。",
            [
                "今天天气很好，我们一家人去公园散步、",
                "骑车、放风筝。",
                "价格是1,234.5元，时间是１２：３０。",
            ],
        ),
        (
            "这是一句没有任何标点符号的很长很长的话它一直说下去",
            ["这是一句没有任何标点符号的很长很长的", "话它一直说下去"],
        ),
        (
            "现在的时间是晚上１２：３０分价格是1,234,567元我们走吧朋友",
            ["现在的时间是晚上１２：３０分价格是", "1,234,567元我们走吧朋友"],
        ),
        (
            "「今日はとてもいい天気ですね。公園に行きましょう！」と彼は言った。",
            ["「今日はとてもいい天気ですね。", "公園に行きましょう！」と彼は言った。"],
        ),
        (
            "오늘은 날씨가 아주 좋습니다. 우리 모두 함께 공원에 갑시다!",
            ["오늘은 날씨가 아주 좋습니다. ", "우리 모두 함께 공원에 갑시다!"],
        ),
    ],
)
def test_wide_characters_count_three_times(text: str, expected: list[str]) -> None:
    assert texts(text, max_chars=60, first_chars=60) == expected


def test_thai_is_cut_at_its_spaces() -> None:
    text = "กาลครั้งหนึ่งนานมาแล้ว มีเด็กชายคนหนึ่งอาศัยอยู่ในหมู่บ้าน ทุกวันเขาจะเดินไปโรงเรียน"

    assert ends(text, max_chars=60, first_chars=60) == [
        ("กาลครั้งหนึ่งนานมาแล้ว มีเด็กชายคนหนึ่งอาศัยอยู่ในหมู่บ้าน ", Boundary.CLAUSE),
        ("ทุกวันเขาจะเดินไปโรงเรียน", Boundary.END),
    ]


LANGUAGES = {
    "de": "Gestern war ich im Zoo. Dort sah ich Dr. Weber mit Kindern. Wir aßen um 12.30 Uhr.",
    "fr": "Hier, je suis allé au zoo. J'y ai vu M. Dupont et sa fille ! Nous avons mangé à midi.",
    "es": "Ayer fui al zoológico. ¿Viste allí al Sr. García con sus hijos? Comimos a las doce.",
    "it": "Ieri sono andato allo zoo. Ho visto il sig. Rossi con i figli! Poi abbiamo mangiato.",
    "pt": "Ontem fui ao zoológico. Vi lá o Sr. Silva com os filhos dele. Almoçamos ao meio-dia.",
    "ru": "Вчера я был в зоопарке. Там я видел А. С. Иванова с детьми. Мы обедали в 12.30 дня.",
    "tr": "Dün hayvanat bahçesine gittim. Orada Dr. Yılmaz'ı gördüm! Saat 12.30'da yemek yedik.",
    "el": "Χθες πήγα στον ζωολογικό κήπο. Είδες εκεί τον κ. Παπά; Φάγαμε το μεσημέρι μαζί.",
    "ar": "ذهبت أمس إلى حديقة الحيوان. هل رأيت هناك الدكتور أحمد؟ أكلنا معا في الظهر.",
    "hi": "कल मैं चिड़ियाघर गया था। क्या आपने वहाँ डॉ. शर्मा को देखा? हमने दोपहर में खाना खाया।",
    "ko": "어제 저는 동물원에 갔습니다. 거기서 김 박사님을 보았어요! 우리는 점심을 먹었습니다.",
    "ja": "昨日は動物園に行きました。そこで田中さんに会いました！お昼は一緒に食べましたよ。",
    "zh": "昨天我去了北京动物园玩。你在那里看到王老师了吗？我们中午十二点一起吃了饭。",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("told", [True, False])
def test_languages_are_cut_between_sentences(language: str, told: bool) -> None:
    text = LANGUAGES[language]
    size = 45 if language in ("ja", "zh", "ko") else len(text) // 2
    parts = list(segment(text, language=language if told else None, max_chars=90, first_chars=size))

    assert len(parts) >= 2
    assert {part.boundary for part in parts[:-1]} == {Boundary.SENTENCE}
    assert all(part.text.rstrip()[-1] in ".!?;؟।。！？" for part in parts)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "好",
        "ไ",
        "😀",
        "👩\u200d👩\u200d👧",
        "🇩🇪",
        "\u0301",
        ".",
        "?!",
        "- ",
        "\ud800",
        "(“",
        '"a. ',
        "5",
    ],
    ids=ascii,
)
def test_endless_texts_end(unit: str) -> None:
    text = unit * (50_000 // len(unit))
    parts = texts(text)

    assert "".join(parts) == text
    assert max(len(part.strip()) for part in parts) <= 300
    assert all(len(part) % len(unit) == 0 for part in parts if " " not in part) or len(unit) == 2


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many characters each call of the real sentence library was given."""
    lengths: list[int] = []

    def counted(language: str, text: str) -> list[dict[str, Any]]:
        lengths.append(len(text))
        boundaries: list[dict[str, Any]] = get_sentence_boundaries(language, text)
        return boundaries

    monkeypatch.setattr("stentor.text.sentences.get_sentence_boundaries", counted)
    return lengths


def test_the_first_segment_takes_only_the_beginning(reads: list[int]) -> None:
    text = ENGLISH * (100_000 // len(ENGLISH))
    tracemalloc.start()
    try:
        first = next(segment(text))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert 0 < sum(reads) < 5_000
    assert peak < len(text) // 2  # bytes: not even a copy of the text
    assert first == next(segment(text[:5_000]))


def test_a_long_text_is_read_about_once(reads: list[int]) -> None:
    text = ENGLISH * (100_000 // len(ENGLISH))
    parts = list(segment(text))

    assert "".join(part.text for part in parts) == text
    assert {part.boundary for part in parts[1:-1]} == {Boundary.SENTENCE}
    assert sum(reads) < 2 * len(text)


@pytest.mark.parametrize(("max_chars", "first_chars"), [(0, 1), (1, 0)])
def test_sizes_are_checked_at_once(max_chars: int, first_chars: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        segment("text", max_chars=max_chars, first_chars=first_chars)


def test_a_segment_is_a_plain_value() -> None:
    assert list(segment(" Hi. ")) == [TextSegment(" Hi. ", 0, Boundary.END)]
