"""Where sentences end in many languages, and that a text is read in blocks."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.text.cuts import Boundary
from stentor.text.sentences import SentenceEnds

SENTENCES = {
    "en": [
        "Dr. Smith paid $1,000.50 at 12:30 in the U.S. office.",
        "“Did you see it?” she asked.",
        "Visit https://example.org/a.b?c=d, e.g., tomorrow!",
        "Well... it was fine in the end.",
        "J. R. Tolkien agreed.",
    ],
    "de": [
        "Am 3. Oktober 1990 kam Dr. Müller z. B. um 5 Uhr an.",
        "Das kostet ca. 3,50 Euro, oder?",
        "„Ja“, sagte er, „genau so ist es!“",
        "Danach schwieg er.",
    ],
    "fr": [
        "M. Dupont est arrivé à 18 h 30.",
        "Qu'est-ce que c'est ?",
        "Il a répondu : « Rien du tout ! »",
        "Puis il est parti, etc.",
    ],
    "es": [
        "¿Cómo estás hoy?",
        "¡Muy bien, gracias!",
        "El Sr. García llegó a las 3.30 de la tarde.",
    ],
    "it": ["Il sig. Rossi è qui.", "Che ore sono?", "Andiamo, il dott. Bianchi aspetta!"],
    "pt": ["O Sr. Silva chegou cedo.", "Tudo bem com a V. Exa. hoje?", "Custa R$ 3,14 apenas."],
    "ru": [
        "А. С. Пушкин родился в 1799 г. в Москве.",
        "Проф. Иванов живёт на ул. Ленина, д. 5, т. е. рядом.",
        "МГТУ им. Баумана дал ему 5 млн. рублей, см. рис. 3.",
        "Правда?",
    ],
    "uk": ["Київ — столиця України.", "Чи знаєте ви це?", "Звісно!"],
    "pl": ["Dzień dobry.", "Prof. Nowak przyszedł o godz. 5 rano.", "Co słychać?"],
    "nl": ["Dhr. Jansen komt om 15.30 uur.", "Weet je dat zeker?", "Ja, natuurlijk!"],
    "tr": ["Bugün hava çok güzel.", "Dr. Ahmet geldi mi?", "Evet, saat 15.30'da geldi."],
    "el": ["Τι κάνεις;", "Είμαι καλά, ευχαριστώ.", "Ο κ. Παπαδόπουλος ήρθε· έτσι είναι!"],
    "zh": [
        "今天天气很好。",
        "我们去公园吧！",
        "他说：“你好。我是小明。”",
        "真的吗？",
        "圆周率是3.14，对吧。",
    ],
    "ja": [
        "今日はいい天気ですね。",
        "公園に行きましょう！",
        "「こんにちは。元気？」",
        "そうです。",
    ],
    "ko": ["오늘은 날씨가 좋습니다.", "공원에 갈까요?", "네, 좋아요!"],
    "ar": ["مرحبا بكم في المدينة.", "كيف حالك اليوم؟", "د. أحمد هنا؛ وهو طبيب."],
    "hi": ["यह एक वाक्य है।", "क्या आप ठीक हैं?", "डॉ. शर्मा आज आए।"],
}
SPACE = {"zh": "", "ja": ""}

PROSE = [*SENTENCES["en"], "“One. Two! Three?” he counted.", "It was (almost. Not) done."]


def ends(text: str, language: str | None = None) -> list[int]:
    return [cut.end for cut in SentenceEnds(text, language).between(0, len(text))]


def expected_ends(sentences: list[str], space: str) -> list[int]:
    whole = list(accumulate(len(sentence) + len(space) for sentence in sentences))
    return [*whole[:-1], whole[-1] - len(space)]


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("tag", ["{}", "{}-XX", "{}_xx"])
def test_sentences_of_a_language(language: str, tag: str) -> None:
    space = SPACE.get(language, " ")
    text = space.join(SENTENCES[language])

    assert ends(text, tag.format(language)) == expected_ends(SENTENCES[language], space)


@pytest.mark.parametrize("language", ["en", "ru", "el", "zh", "ja", "ko", "ar", "hi"])
def test_the_script_tells_enough_of_an_unknown_language(language: str) -> None:
    space = SPACE.get(language, " ")
    text = space.join(SENTENCES[language])

    assert ends(text) == ends(text, "auto") == expected_ends(SENTENCES[language], space)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PROSE), min_size=90, max_size=200), st.integers(0, 30))
def test_blocks_do_not_show(sentences: list[str], skipped: int) -> None:
    """The same prose is read with block borders elsewhere when its beginning is missing."""
    whole = expected_ends(sentences, " ")
    rest = expected_ends(sentences[skipped:], " ")

    assert ends(" ".join(sentences), "en") == whole
    assert ends(" ".join(sentences[skipped:]), "en") == rest


def test_an_end_has_the_white_space_around_it_and_says_what_it_is() -> None:
    text = "\n One.  Two.\n \n\t Three. \n"
    cuts = SentenceEnds(text, "en").between(0, len(text))

    assert [(text[: cut.stop][-4:], text[cut.end :][:3], cut.boundary) for cut in cuts] == [
        ("One.", "Two", Boundary.SENTENCE),
        ("Two.", "Thr", Boundary.PARAGRAPH),
        ("ree.", "", Boundary.END),
    ]


def test_sentences_inside_of_a_quotation_can_be_had() -> None:
    text = "He said, “It is. Dr. Smith (or so. Who knows) is here. Go!” Then he left."
    sentences = SentenceEnds(text, "en")

    assert [text[cut.end :][:4] for cut in sentences.between(0, len(text))] == ["Then", ""]
    assert [text[cut.end :][:4] for cut in sentences.inside(0, len(text))] == [
        "Dr. ",
        "Who ",
        "Go!”",
        "Then",
    ]
    assert [text[: cut.stop][-3:] for cut in sentences.inside(9, 40)] == ["is.", "so."]


@pytest.mark.parametrize(
    "odd", ["B\xa0. C", "\ud800. Then", "B\u2029. C", "\0. A", "A\u3000.", "…"]
)
def test_no_character_upsets_the_library(odd: str) -> None:
    assert ends(f"One. {odd}")[-1] == len(odd) + 5


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.sampled_from([*SENTENCES, None, "x", ""]))
def test_ends_go_up_to_the_end(text: str, language: str | None) -> None:
    found = ends(text, language)

    assert found == sorted(set(found))
    assert found[-1:] == ([len(text)] if text else [])
