"""Written text in words: what it becomes in each language, and that no text is lost or slow."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stentor.text.normalise import MOST_GROWTH, normalise
from stentor.text.normalise.roman import value

CASES = {
    "en-US": {
        "It costs $5.20 or $2.5 million.": (
            "It costs five dollars and twenty cents or two point five million dollars."
        ),
        "$1, $1.01, $0.50": "one dollar, one dollar and one cent, fifty cents",
        "€3m": "three million euros",
        "11/20/2026": "November twentieth, twenty twenty-six",
        "Nov. 5, 2024": "November fifth, twenty twenty-four",
        "2026-02-30 is no day": "two zero two six, zero two, three zero is no day",
        "At 14:30, 3 pm, 3:05 p.m. and 9:00.": (
            "At fourteen thirty, three p m, three oh five p m and nine o'clock."
        ),
        "5 km, 1 km, 20 °C, 60 km/h": (
            "five kilometers, one kilometer, twenty degrees Celsius, sixty kilometers per hour"
        ),
        "3.5 GB, 50%, -5 °C": (
            "three point five gigabytes, fifty percent, minus five degrees Celsius"
        ),
        "½ cup, 3/4 of 2 1/2": "one half cup, three quarters of two and one half",
        "10–20 pages, 5-10 km": "ten to twenty pages, five to ten kilometers",
        "In 1984, 1914–1918, the 1980s": (
            "In nineteen eighty-four, nineteen fourteen to nineteen eighteen, the nineteen eighties"
        ),
        "about 1984, 1500 soldiers": (
            "about one thousand nine hundred and eighty-four, one thousand five hundred soldiers"
        ),
        "the 1st and 22nd": "the first and twenty-second",
        "1,234.5 and 1234567": (
            "one thousand two hundred and thirty-four point five and one million two hundred and "
            "thirty-four thousand five hundred and sixty-seven"
        ),
        "555-1234": "five five five, one two three four",
        "+1 555 123 4567": "plus one, five five five, one two three, four five six seven",
        "we march 10 miles and may 5": "we march ten miles and may five",
        "0000-01-01": "zero zero zero zero, zero one, zero one",
        "agent 007": "agent zero zero seven",
        "Louis XIV, Chapter IV, World War II": "Louis the fourteenth, Chapter four, World War two",
        "Charles V, Malcolm X, Part I think": "Charles the fifth, Malcolm X, Part I think",
        "Dr. Smith of St. Ives, Main St. and so on": (
            "Doctor Smith of Saint Ives, Main Street and so on"
        ),
        "e.g. this, etc. Then that, etc.": ("for example this, et cetera. Then that, et cetera."),
        "J. R. R. Tolkien": "J R R Tolkien",
        "Vitamin C. The NATO": "Vitamin C. The NATO",
        "AT&T, C++, 2+2=4": "AT and T, C++, two plus two equals four",
        "#5, #tag, me @ home": "number five, hashtag tag, me at home",
        "https://example.com/a": "example dot com slash a",
        "a.b@example.org": "a dot b at example dot org",
        "v1.2.3": "v one point two point three",
        "MP3, B2B": "MP three, B two B",
        "No. 5": "number five",
    },
    "en-GB": {"20/11/2026": "the twentieth of November, twenty twenty-six"},
    "de": {
        "Am 3. Oktober 1990 um 12.30 Uhr.": (
            "Am dritten Oktober neunzehnhundertneunzig um zwölf Uhr dreißig."
        ),
        "01.05.2024": "erster Mai zweitausendvierundzwanzig",
        "1.234,50 €, 3 Mio. €, 1 €": (
            "eintausendzweihundertvierunddreißig Euro fünfzig Cent, drei Millionen Euro, ein Euro"
        ),
        "1 km, 21 km, 50 %, 3.14": (
            "ein Kilometer, einundzwanzig Kilometer, fünfzig Prozent, drei Komma eins vier"
        ),
        "der 2. Weltkrieg, am 3. Tag": "der zweite Weltkrieg, am dritten Tag",
        "Es waren 5. Dann kam z. B. Dr. Müller.": (
            "Es waren fünf. Dann kam zum Beispiel Doktor Müller."
        ),
        "Ludwig XIV. war 1,5 m": "Ludwig der vierzehnte war eins Komma fünf Meter",
    },
    "fr": {
        "Le 1er mai 2024 à 14h30": (
            "Le premier mai deux mille vingt-quatre à quatorze heures trente"
        ),
        "M. Dupont paie 5,20 € ou 3 M€": (
            "Monsieur Dupont paie cinq euros vingt centimes ou trois millions d'euros"
        ),
        "Louis XIV et le XXe siècle": "Louis quatorze et le vingtième siècle",
        "1 234,5 km": "mille deux cent trente-quatre virgule cinq kilomètres",
    },
    "es": {
        "El Sr. García, 21 €, 3ª planta": "El Señor García, veintiún euros, tercera planta",
        "EE. UU. y el siglo XX": "Estados Unidos y el siglo veinte",
        "el 2 de mayo de 2024": "el dos de mayo de dos mil veinticuatro",
    },
    "it": {
        "Il 1º maggio 2024 alle 14:30": (
            "Il primo maggio duemilaventiquattro alle quattordici e trenta"
        ),
        "5,20 €, 3 milioni di euro": "cinque euro e venti centesimi, tre milioni di euro",
    },
    "pt": {
        "1 de maio às 14h30, 50%": (
            "primeiro de maio às catorze horas e trinta, cinquenta por cento"
        ),
        "o Sr. Silva, 2,5 km": "o Senhor Silva, dois vírgula cinco quilômetros",
    },
    "nl": {
        "5 mei om 14:30, nr. 5": "vijf mei om veertien uur dertig, nummer vijf",
        "€ 5,20": "vijf euro en twintig cent",
    },
    "pl": {
        "0-go, 3-go": "zero, trzeci",
        "20 listopada 2026 r.": ("dwudziestego listopada dwa tysiące dwudziestego szóstego roku"),
        "5,20 zł, 2 mln zł, 2 km, 5 km": (
            "pięć złotych dwadzieścia groszy, dwa miliony złotych, dwa kilometry, pięć kilometrów"
        ),
    },
    "ru": {
        "20 ноября 2026 г. в 14:30": (
            "двадцатого ноября две тысячи двадцать шестого года в четырнадцать тридцать"
        ),
        "21 руб., 2 млн руб., 2 т, 5 км": (
            "двадцать один рубль, два миллиона рублей, две тонны, пять километров"
        ),
        "ул. Ленина, д. 5, п. 3": "улица Ленина, дом пять, пункт три",
        "Людовик XIV, XX век, 3-й": "Людовик четырнадцатый, двадцатый век, третий",
    },
    "sv": {
        "Den 5 maj 2024 kl. 14:30, 50 %, 5 km": (
            "Den fem maj tvåtusentjugofyra kl. fjorton trettio, femtio procent, fem kilometer"
        ),
        "1.2.3 och 3/4": "ett.två.tre och tre fyra",
    },
    "uk": {"5 км і 21 км": "п'ять кілометрів і двадцять один кілометр"},
    "th": {"ราคา100บาท": "ราคาหนึ่งร้อยบาท"},
}
LANGUAGES = [*CASES, "ar", "cs", "da", "fi", "hu", "ko", "ro", "tr", "vi", "ja", "zh", "xx"]

SIGNS = (
    "0123456789.,:;/-–−%€$£°§#&@+=~()'’\n ½⅞ªº٣|km|IV|Louis XIV|Dr.|e.g.|etc.| m|www.|http://|"
    "a@b.co|Nov.|May |1/2|20 |1984|2000| mio|million|zł|\ud800|\u0301|²|777|1.|am 3. |er|st|№"
)
PIECES = st.sampled_from([*SIGNS.partition("|")[0], *SIGNS.split("|")[1:]])
TEXTS = st.text(st.characters(exclude_categories=())) | st.lists(PIECES).map("".join)


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [(code, text, spoken) for code, cases in CASES.items() for text, spoken in cases.items()],
)
def test_what_is_said(language: str, text: str, spoken: str) -> None:
    assert normalise(text, language) == spoken
    assert normalise(spoken, language) == spoken


@pytest.mark.parametrize("language", ["zh", "ja", "xx", "auto", "", None, "en\n", "12", "e" * 900])
def test_a_language_without_number_words_is_left_alone(language: str | None) -> None:
    text = "Dr. 5 km, $5.20, 2026年 & co, https://example.org"

    assert normalise(text, language) == text or language == "en\n"


@pytest.mark.parametrize("tag", ["de-DE", "de_AT", "DE", "de-Latn-DE", "de-XX", "de-DE-1996"])
def test_tags(tag: str) -> None:
    assert normalise("1.234 km", tag) == "eintausendzweihundertvierunddreißig Kilometer"


def test_regions_have_words_of_their_own() -> None:
    assert normalise("95", "fr-CH") == "nonante-cinq"
    assert normalise("95", "fr-CA") == "quatre-vingt-quinze"


@settings(deadline=None)
@given(TEXTS, st.sampled_from(LANGUAGES))
@example("7" * 5000, "en")
@example("8£", "be")
def test_any_text_can_be_said(text: str, language: str) -> None:
    assert len(normalise(text, language)) <= MOST_GROWTH * len(text)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=5), st.sampled_from(LANGUAGES))
def test_no_word_is_lost(between: list[str], language: str) -> None:
    words = [f"qwo{letter}x" for letter in "abcdef"]
    parts = [words[0]]
    for word, signs in zip(words[1:], between, strict=False):
        parts += [signs, word]
    said = normalise(" ".join(parts), language)

    assert re.findall("qwo[a-f]x", said) == re.findall("qwo[a-f]x", " ".join(parts))


@settings(deadline=None)
@given(st.text("abcxyzäéñłшжåç ,;!?\n"), st.sampled_from(LANGUAGES))
def test_plain_prose_is_left_as_it_is(text: str, language: str) -> None:
    assert normalise(text, language) == text


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "cs", "fi"]))
def test_no_digit_is_left_where_the_point_has_a_word(text: str, language: str) -> None:
    assert not re.search(r"\d", normalise(text, language))


def test_threads_say_the_same() -> None:
    calls = [(text, code) for code, cases in CASES.items() for text in cases] * 5
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda call: normalise(*call), calls))

    assert said == [CASES[code][text] for text, code in calls]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("language", ["en", "de", "fr"])
@pytest.mark.parametrize(
    "unit",
    ["1", "12 ", "1,234", "1.", "1/2 ", "$1", "a@", "a.b", "A. ", "X ", "0-0 ", "½", "–1", "+1 "],
)
def test_time_is_linear(unit: str, language: str) -> None:
    """Quadratic time would be minutes here."""
    assert normalise(unit * (300_000 // len(unit)), language)


@pytest.mark.parametrize(
    ("numeral", "number"),
    [("I", 1), ("IV", 4), ("XIV", 14), ("XL", 40), ("LXXXIX", 89), ("IIII", 0), ("VX", 0), ("", 0)],
)
def test_roman_numerals(numeral: str, number: int) -> None:
    assert value(numeral) == number
