"""Which languages are found, and when nothing is said."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.text.detect import Detected, detect_language

SENTENCES = {
    "en": [
        "The train was late again this morning.",
        "She has never seen so much snow in her life.",
    ],
    "de": [
        "Der Zug hatte heute Morgen wieder Verspätung.",
        "Sie hat noch nie so viel Schnee gesehen.",
    ],
    "fr": [
        "Le train était encore en retard ce matin.",
        "Elle n'a jamais vu autant de neige de sa vie.",
    ],
    "es": [
        "El tren llegó otra vez tarde esta mañana.",
        "Ella nunca había visto tanta nieve en su vida.",
    ],
    "it": [
        "Il treno era di nuovo in ritardo stamattina.",
        "Non aveva mai visto tanta neve in vita sua.",
    ],
    "pt": [
        "O comboio chegou outra vez atrasado esta manhã.",
        "Ela nunca tinha visto tanta neve na vida.",
    ],
    "nl": [
        "Ze heeft nog nooit zoveel sneeuw gezien.",
        "Hij wilde morgen met ons naar het strand fietsen.",
    ],
    "pl": ["Pociąg znowu spóźnił się dziś rano.", "Ona nigdy w życiu nie widziała tyle śniegu."],
    "ru": ["Поезд сегодня утром опять опоздал.", "Она никогда в жизни не видела столько снега."],
    "uk": [
        "Потяг сьогодні вранці знову запізнився.",
        "Вона ніколи в житті не бачила стільки снігу.",
    ],
    "cs": ["Vlak měl dnes ráno zase zpoždění.", "Nikdy v životě neviděla tolik sněhu."],
    "sv": ["Tåget var försenat igen i morse.", "Hon har aldrig sett så mycket snö i sitt liv."],
    "da": [
        "Jeg vil gerne have en kop kaffe og et stykke kage.",
        "Hun har aldrig set så meget sne i sit liv.",
    ],
    "fi": ["Juna oli taas myöhässä tänä aamuna.", "Hän ei ole koskaan nähnyt niin paljon lunta."],
    "hu": ["A vonat ma reggel megint késett.", "Soha életében nem látott ennyi havat."],
    "ro": [
        "Trenul a întârziat din nou în această dimineață.",
        "Ea nu a văzut niciodată atâta zăpadă.",
    ],
    "tr": [
        "Tren bu sabah da geç kaldı, bir saat bekledik.",
        "Hayatında hiç bu kadar çok kar görmemişti.",
    ],
    "el": ["Το τρένο άργησε πάλι σήμερα το πρωί.", "Δεν είχε δει ποτέ τόσο πολύ χιόνι."],
    "ar": ["تأخر القطار مرة أخرى هذا الصباح.", "لم تر في حياتها مثل هذا الثلج."],
    "he": ["הרכבת איחרה שוב הבוקר.", "היא מעולם לא ראתה כל כך הרבה שלג."],
    "hi": ["आज सुबह ट्रेन फिर देर से आई।", "उसने अपने जीवन में इतनी बर्फ कभी नहीं देखी।"],
    "th": ["รถไฟมาสายอีกแล้วเมื่อเช้านี้", "เธอไม่เคยเห็นหิมะมากขนาดนี้มาก่อน"],
    "ja": ["今朝も電車が遅れました。", "彼女はこんなにたくさんの雪を見たことがない。"],
    "zh": [
        "今天早上火车又晚点了。",
        "她这辈子从来没有见过这么多雪。",
        "我們今天早上去公園散步。",
        "這家餐廳的牛肉麵非常好吃。",
    ],
    "ko": ["오늘 아침에도 기차가 늦었습니다.", "그녀는 이렇게 많은 눈을 본 적이 없었다."],
    "vi": ["Sáng nay tàu lại đến muộn.", "Cô ấy chưa bao giờ thấy nhiều tuyết như vậy."],
}

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("language", "sentence"), [(code, one) for code, some in SENTENCES.items() for one in some]
)
def test_a_sentence_tells_its_language(language: str, sentence: str) -> None:
    found = detect_language(sentence)

    assert found is not None
    assert found.language == language
    assert 0.65 <= found.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "OK",
        "no",
        "Hello",
        "Hotel",
        "Berlin",
        "taxi bar",
        "1234 5678 2026-11-20 14:30",
        "😀😀😀😀😀😀😀😀😀😀😀😀",
        "?!... --- ...",
        "xqzv bnmk wrtp",
        "mmm hmm uh huh",
        "aaaa aaaa aaaa",
        "\ud800" * 40,
        "https://example.org/this/is/the/address/of/a/page",
        "somebody.with.a.long.name@example.org",
    ],
)
def test_what_does_not_tell_is_not_answered(text: str) -> None:
    assert detect_language(text) is None


def test_a_mixed_text_is_in_one_of_its_languages_or_in_none() -> None:
    mixed = f"{SENTENCES['en'][0]} {SENTENCES['de'][0]}"
    mostly = f"{' '.join(SENTENCES['fr'])} OK, see you. {' '.join(SENTENCES['fr'])}"

    found, most = detect_language(mixed), detect_language(mostly)

    assert found is None or found.language in ("en", "de")
    assert most is not None
    assert most.language == "fr"


def test_lines_digits_addresses_and_capitals_do_not_matter() -> None:
    text = "\n12. WHERE ARE YOU GOING TODAY,\nMY FRIEND? https://example.org/wohin/gehst/du 😀\n"
    found = detect_language(text)

    assert found is not None
    assert found.language == "en"


def test_only_the_beginning_is_looked_at() -> None:
    beginning = (SENTENCES["en"][0] + " ") * 30
    other = SENTENCES["ru"][0] * 10_000

    assert detect_language(beginning + other) == detect_language(beginning)


def test_threads_find_the_same() -> None:
    texts = [sentence for some in SENTENCES.values() for sentence in some]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(detect_language, texts * 4))

    assert found == [detect_language(text) for text in texts] * 4


@settings(deadline=None)
@given(ANY_TEXT)
def test_any_text_can_be_asked(text: str) -> None:
    found = detect_language(text)

    assert found == detect_language(text)
    if isinstance(found, Detected):
        assert len(found.language) == 2
        assert 0 < found.confidence <= 1


def test_the_model_is_imported_by_the_first_call_only() -> None:
    code = (
        "import sys, stentor.text.detect as language\n"
        "assert 'fasttext' not in sys.modules\n"
        "assert language.detect_language('OK') is None\n"
        "assert 'fasttext' not in sys.modules\n"
        "assert language.detect_language('The train was late again this morning.')\n"
        "assert 'fasttext' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
