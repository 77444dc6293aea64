"""What signs between, before and behind numbers become."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stentor.text.normalise import MOST_GROWTH, normalise

CASES = {
    "en-US": {
        "10 000 people, 12 345 km": (
            "ten thousand people, twelve thousand three hundred and forty-five kilometers"
        ),
        "1 000 000 and 1\u202f000\u00a0000": "one million and one million",
        "call 1 800 555 1234": "call one, eight zero zero, five five five, one two three four",
        "-$5, $-5 and −€3": "minus five dollars, minus five dollars and minus three euros",
        "$5-$10, 5$-10$": "five dollars to ten dollars, five dollars-ten dollars",
        "A$5, C$10, HK$20, 5¢, 1¢": (
            "five Australian dollars, ten Canadian dollars, twenty Hong Kong dollars, five cents, "
            "one cent"
        ),
        "It took 5m 30s.": "It took five minutes thirty seconds.",
        "1h 30m, 2h5m, 1h 2m 3s": (
            "one hour thirty minutes, two hours five minutes, one hour two minutes three seconds"
        ),
        "Timeout: 30s, wait 60s, 5m high": (
            "Timeout: thirty seconds, wait sixty seconds, five meters high"
        ),
        "1m 20s left": "one minute twenty seconds left",
        "Retry in 30s": "Retry in thirty seconds",
        "the 20s and 30s, his 40s, mid-90s, mid-'90s, the '60s, late-1980s": (
            "the twenties and thirties, his forties, mid-nineties, mid-nineties, the sixties, "
            "late-nineteen eighties"
        ),
        "2024-12-25T10:30:00Z": "December twenty-fifth, twenty twenty-four, ten thirty UTC",
        "2024-12-25T10:30:15.123+02:00": (
            "December twenty-fifth, twenty twenty-four, ten thirty fifteen UTC plus two"
        ),
        "2024-12-25T23:05-05:30": (
            "December twenty-fifth, twenty twenty-four, twenty-three oh five UTC minus five thirty"
        ),
        "2024/01/05": "January fifth, twenty twenty-four",
        "1-800-555-1234": "one, eight zero zero, five five five, one two three four",
        "ISBN 0-306-40615-X": "ISBN zero, three zero six, four zero six one five, X",
        "24/7, 50/50, 9/11": "twenty-four seven, fifty fifty, nine eleven",
        "4.5/5, 10/10 and 8/10": "four point five out of five, ten out of ten and eight tenths",
        "1984/85 and 1/200": "nineteen eighty-four eighty-five and one two hundred",
        '5\'11", a 12" pizza, 12″': "five foot eleven, a twelve inch pizza, twelve inches",
        'He said "I have 12" and "24".': 'He said "I have twelve" and "twenty-four".',
        "16:9, 4:3 and 1:100": "sixteen to nine, four to three and one to one hundred",
        "0:00, 24:00, 12:00": "midnight, midnight, twelve o'clock",
        "5 - 3, 5 - 10, 5 - 8 = -3": (
            "five minus three, five to ten, five minus eight equals minus three"
        ),
        "2*3, 10^6, 10^-2": (
            "two times three, ten to the power of six, ten to the power of minus two"
        ),
        "1e6, 1.5e-3": (
            "one times ten to the power of six, one point five times ten to the power of minus "
            "three"
        ),
        "x², 3³, E = mc², a word²": "x squared, three cubed, E equals mc squared, a word²",
        "Gen. Z, Gen. Smith": "Generation Z, General Smith",
        "§ 5, # 5, C# 5": "section five, number five, C# five",
        "# Chapter 2\n- **10** km": "Chapter two\nten kilometers",
    },
    "de": {
        "1 000 000 Euro": "eine Million Euro",
        "die 90er Jahre, 1980er": "die neunziger Jahre, neunzehnhundertachtziger",
        "1 Apfel, 1 Mio. Euro, 2,5 Mrd. EUR": (
            "ein Apfel, eine Million Euro, zwei Komma fünf Milliarden Euro"
        ),
        "nur 1 Tasse und 1 Person": "nur eine Tasse und eine Person",
        "Kapitel 1 Der Anfang": "Kapitel eins Der Anfang",
        "1/2 Tasse, ½ Liter, 1/2 Kilo": "eine halbe Tasse, ein halber Liter, ein halbes Kilo",
        "2 1/2 Tassen, 1½ Stunden": "zweieinhalb Tassen, eineinhalb Stunden",
        "16:9, 24/7, 10/10": "sechzehn zu neun, vierundzwanzig sieben, zehn von zehn",
        "5 - 3, 2*3, x²": "fünf minus drei, zwei mal drei, x hoch zwei",
        "1 h, 2 h, 1 t": "eine Stunde, zwei Stunden, eine Tonne",
        "5m 30s": "fünf Minuten dreißig Sekunden",
    },
    "fr": {
        "1 000 000 d'euros": "un million d'euros",
        "1\u202f000\u00a0000 d'euros": "un million d'euros",
        "06 12 34 56 78": "zéro six, un deux, trois quatre, cinq six, sept huit",
        "21h15": "vingt et une heures quinze",
        "1h 30m": "une heure trente minutes",
        "10^6": "dix puissance six",
    },
    "es": {"1 000 000 de euros": "un millón de euros", "x²": "x al cuadrado"},
    "it": {"1 000 000 di euro": "un milione di euro", "24/7": "ventiquattro sette"},
    "pt-BR": {
        "R$ 5,50, R$ 1,01 e R$ 2": (
            "cinco reais e cinquenta centavos, um real e um centavo e dois reais"
        ),
        "1 000 000 de euros": "um milhão de euros",
    },
    "pt": {
        "1 h, 2 h, 1 g": "uma hora, duas horas, um grama",
        "R$ 5,50": "cinco reais e cinquenta centavos",
    },
    "nl": {"1 000 000 euro": "een miljoen euro"},
    "pl": {"1 000 000 złotych": "milion złotych"},
    "ru": {"1 000 000 рублей, 24/7": "один миллион рублей, двадцать четыре семь"},
    "sv": {"1 000 000 kronor, 24/7": "en miljon kronor, tjugofyra sju"},
}

PIECES = st.sampled_from(
    [
        *"0123456789/:-−*^²³'\"”“e .,$¢`_#>[]()\n",
        "**",
        "__",
        "](",
        "- ",
        "er ",
        "s ",
        "m ",
        "h ",
        "T",
    ]
)


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [(code, text, spoken) for code, cases in CASES.items() for text, spoken in cases.items()],
)
def test_what_is_said(language: str, text: str, spoken: str) -> None:
    assert normalise(text, language) == spoken
    assert normalise(spoken, language) == spoken


@settings(deadline=None)
@example("9,31/5", "en-US")
@example("4.50/5", "de")
@given(st.lists(PIECES).map("".join), st.sampled_from([*CASES, "th", "cs"]))
def test_nothing_is_left_but_words(text: str, language: str) -> None:
    said = normalise(text, language)

    assert len(said) <= MOST_GROWTH * len(text)
    assert not re.search(r"\d", said)
    assert re.search(r"(?<![^\W_])qwox", normalise(f"{text} qwox", language))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "unit",
    ["1 000 ", "1-1", "1/", "1:", '1"', "5'", "1 - 2 ", "x²", "1e", "1h 2m ", "1 A ", "1¢", "30s "],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_time_is_linear(unit: str, language: str) -> None:
    """Quadratic time would be minutes here."""
    assert normalise(unit * (60_000 // len(unit)), language)
