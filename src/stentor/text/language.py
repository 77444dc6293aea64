"""What shows a language before any model is asked: its script and its little words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

_SAMPLE = 300
_SYLLABLE = 3
_WIDE = frozenset({"ja", "ko", "zh"})

# The first word of a character's Unicode name says its script.
_BY_SCRIPT = {
    "ARABIC": "ar",
    "ARMENIAN": "hy",
    "BENGALI": "bn",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "DEVANAGARI": "hi",
    "ETHIOPIC": "am",
    "GEORGIAN": "ka",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "HANGUL": "ko",
    "HEBREW": "he",
    "HIRAGANA": "ja",
    "KANNADA": "kn",
    "KATAKANA": "ja",
    "KHMER": "km",
    "LAO": "lo",
    "MALAYALAM": "ml",
    "MYANMAR": "my",
    "SINHALA": "si",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
}

LITTLE_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        code: frozenset(words.split())
        for code, words in {
            "en": "the a an I you he she it we they me him us them my your his her its our their "
            "this that these those is are was were be been am do does did has have had will "
            "would can could should and or but if of to in on at for from with by about into "
            "as than not no so what who where when why how there here said",
            "de": "der die das den dem des ein eine einen einem einer ich du er sie es wir ihr "
            "mich mir dich dir uns euch ihn ihm mein meine dein deine sein seine ihre unser "
            "nicht kein keine ist sind war waren bin bist seid hat haben habe hast hatte "
            "wird werden wurde kann können muss und oder aber wenn weil dass von zu zum zur "
            "im in am an auf aus bei mit nach für über um so was wer wo wie noch auch nur "
            "schon sich man",
            "fr": "le la les un une des du de je tu il elle nous vous ils elles on me te se ce cet "
            "cette ces mon ma mes ton ta tes son sa ses notre votre leur est sont était suis "
            "es sommes êtes ont a ai as avez avons ne pas plus et ou mais si que qui dans en "
            "sur sous avec pour par sans chez au aux à où quand comment pourquoi y très j l "
            "d c n qu s m",
            "es": "el la los las un una unos unas de del al y o pero si que quien en con por para "
            "sin sobre yo tú él ella nosotros ellos me te se nos lo le les mi mis tu su sus "
            "este esta estos ese esa es son era está están estoy fue ha han he hay ser no "
            "muy más como a va cómo cuando dónde qué porque ya también",
            "it": "il lo la i gli le un uno una di del dello della dei degli delle da dal dalla in "
            "nel nella con su sul sulla per tra fra a al alla ai e ed o ma se che chi io tu "
            "lui lei noi voi loro so va mi ti si ci vi mio mia tuo sua suo questo questa "
            "quello è sono era sei siamo ha ho hai hanno abbiamo non più molto come dove "
            "quando perché anche l",
            "pt": "o a os as um uma uns umas de do da dos das no na nos nas em ao à pelo pela com "
            "por para sem sobre e ou mas se que quem eu tu ele ela nós eles elas você me te "
            "lhe meu minha seu sua este esta esse essa isso é são era está estão estou foi "
            "tem tenho não mais muito como quando onde porque também já",
            "nl": "de het een ik jij je hij zij ze wij we jullie u mij me hem haar ons hun mijn "
            "jouw zijn onze dit dat deze die is was waren ben bent heeft hebben heb had "
            "wordt worden kan kunnen moet niet geen en of maar als omdat van voor met op in "
            "aan bij naar uit om te er hier daar wat wie waar hoe nog ook al zo door over "
            "wil",
            "pl": "i w we z ze na do od o u po za przed przez dla bez nie tak to ten ta te tego "
            "tej ja ty on ona my wy oni mnie mi cię ci go mu ją nas nam was ich im się jest "
            "są był była było jestem mam ma mają że czy ale albo jak gdzie kiedy co kto już "
            "tylko",
            "sv": "jag du han hon den det vi ni de mig dig honom henne oss dem min din sin ett en "
            "och eller men om att som är var har hade kan ska skall vill inte i på av för "
            "från med till vid här där när hur vad vem så också bara sitt",
            "da": "jeg du han hun den det vi de mig dig ham hende os dem min din sin et en og "
            "eller men om at som er var har havde kan skal vil ikke i på af for fra med til "
            "ved her der når hvor hvad hvem så også kun sit",
            "no": "jeg du han hun den det vi de meg deg ham henne oss dem min din sin et en ei og "
            "eller men om at som er var har hadde kan skal vil ikke i på av for fra med til "
            "ved her der når hvor hva hvem så også bare sitt",
            "fi": "minä sinä hän me te he se tämä tuo ja tai mutta jos että kun joka on ovat oli "
            "olen olet ei en et eivät ole niin kuin myös vain nyt jo sitten mitä missä",
            "cs": "a i v ve z ze na do od o u po za před přes pro bez ne ano to ten ta ty já my vy "
            "on ona mě mi tě ti ho mu ji nás nám vás se si je jsou byl byla bylo jsem jsi "
            "máme mám má že ale nebo jak kde kdy co kdo už jen také",
            "ro": "un o unei unui de să mea mele meu ta tău al ale a ai la în din pe cu pentru "
            "fără și sau dar dacă că ce care eu tu el ea noi voi ei mă te se ne vă îmi nu da "
            "este sunt era am are avem au fost mai foarte cum unde când această acest",
            "hu": "a az egy és vagy de ha hogy nem is ez én te ő mi ti ők van volt vannak lesz meg "
            "már csak még most itt ott hol mikor mit ki nagyon azt ezt",
            "tr": "bir bu şu o ben sen biz siz onlar ve veya ama eğer ki ile için gibi kadar daha "
            "çok en var yok değil mi mı mu mü ne nerede nasıl de da her hiç beni bana seni "
            "sana",
            "id": "yang dan di ke dari ini itu saya aku kamu anda dia kami kita mereka adalah ada "
            "tidak bukan akan sudah telah dengan untuk pada oleh atau tetapi jika juga "
            "sangat apa",
        }.items()
    }
)
"""Words that hold sentences together: hardly one is without them, names and loan words seldom
have two. English "I" is a capital. Only for telling languages of the Latin script apart."""


def guess_language(text: str) -> str:
    """The likeliest language of the first letters as an ISO 639-1 code; "en" for Latin script.

    A guess for choosing rules of punctuation: it cannot tell languages of one script apart.
    """
    if text.isascii():
        return "en"
    found, _ = language_of_script(text[:_SAMPLE])
    return found or "en"


def language_of_script(text: str) -> tuple[str | None, float]:
    """The main language of the script that most letters are in, None for Latin script and scripts
    of no known language, and that script's part of the letters, 0 to 1.

    A letter of Chinese, Japanese or Korean counts for several: it is a syllable or a word.
    """
    counts: Counter[str | None] = Counter()
    for char in filter(str.isalpha, text):
        language = _BY_SCRIPT.get(_script(char))
        counts[language] += _SYLLABLE if language in _WIDE else 1
    if not counts:
        return None, 0.0
    if counts["ja"]:
        counts["ja"] += counts.pop("zh", 0)
    best, count = counts.most_common(1)[0]
    return best, count / counts.total()


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]
