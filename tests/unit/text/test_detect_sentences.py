"""Which sentences change the voice: whole ones of another language do, names and loans do not."""

from __future__ import annotations

import pytest

from stentor.text.detect import detect_language

STAYS_ENGLISH = """
I love crème brûlée.
Flight to Rio de Janeiro
Angela Merkel met Emmanuel Macron.
Next stop, Alexanderplatz.
The restaurant Chez Panisse
Day 3: laissez-faire economics
Artist: Rammstein, song: Du hast
San Diego Padres
Día de los Muertos is celebrated
Caramel macchiato
He said: "Bonjour, comment allez-vous?"
Hakuna Matata
Spaghetti alla carbonara recipe
Two cappuccinos, please.
Juan Carlos called yesterday.
Los Angeles Lakers
Las Vegas, Nevada
Playing Für Elise by Ludwig van Beethoven
Now playing: La Vie en Rose
Next track: Despacito by Luis Fonsi
Déjà vu again!
Pain au chocolat, croissants, baguettes
The Bundesliga starts tomorrow.
Kindergarten opens at nine.
His doppelgänger felt Schadenfreude.
Zeitgeist magazine, autumn edition
Buenos Aires weather: sunny
São Paulo traffic update
Meeting with Jürgen Klopp
Volkswagen recalls cars
Arrived at Charles de Gaulle.
The Champs-Élysées was crowded.
Gabriel García Márquez wrote novels.
Reminder: call Señor Hernández
Sushi, ramen and tempura
Umami flavour enhancer
Kung fu classes
Feng shui consultant
Lionel Messi scores!
Cristiano Ronaldo transfers
Zlatan Ibrahimović retires
Robert Lewandowski, striker
Björk Guðmundsdóttir sings
Nokia headquarters, Espoo
Smörgåsbord tonight
Hygge candles
Ikea Billy bookcase
Amsterdam Schiphol delays
Vincent van Gogh exhibition
Johan van der Meer arrives
Gouda cheese sandwich
Istanbul, Ankara, Izmir
Hanoi noodle soup
Nasi goreng for dinner
Bali beach resort
Goulash and paprika
Transylvania tourism
Vodka martini, shaken
Marie Curie-Skłodowska discovered radium.
Mozart, Eine kleine Nachtmusik
The opera Così fan tutte begins.
Her motto is carpe diem.
A quid pro quo arrangement
Et cetera, ad nauseam
Ave Maria
Rendezvous at midnight
The raison d'être of this team
Hors d'oeuvres were served.
He ordered a Café au lait and a pain aux raisins.
The film La vita è bella won an Oscar.
We stayed at the Hôtel de la Paix in Lyon for a week.
My abuela made tortillas and frijoles.
She whispered "te quiero mucho" and left.
"Guten Morgen, wie geht es dir?" she asked.
The phrase "je ne sais quoi" comes from French and means something that one cannot describe.
The word Donaudampfschifffahrtsgesellschaft amused everybody in the class.
Timer set.
Living room lights off
Temperature: twenty degrees
Lamp uit
OK Google
Press Ctrl, Alt, Del
Hmm, oh, wow
Jose, Maria y Pedro
Alexander Hamilton musical
Ibuprofen, paracetamol, aspirin
Error: null pointer exception
import numpy as np
Lorem Ipsum
Ursula von der Leyen spoke in Brussels.
El Niño, La Niña
Costa del Sol holiday deals
Santa Maria delle Grazie, Milan
Oh là là!
na na na na hey hey hey goodbye
""".strip().splitlines()

ORDINARY = {
    "de": """
Ich möchte gerne ein Glas Wasser haben.
Kannst du bitte das Licht ausmachen?
Morgen wird es in Berlin regnen.
Wir treffen uns um acht Uhr vor dem Kino.
Das Essen war leider schon kalt.
Wo hast du meine Schlüssel hingelegt?
""",
    "fr": """
Je ne sais pas où il est parti.
Peux-tu éteindre la lumière du salon ?
Il fait très beau aujourd'hui à Paris.
Nous avons mangé dans un petit restaurant.
La réunion est à neuf heures demain matin.
""",
    "es": """
No sé dónde está mi teléfono.
¿Puedes apagar la luz de la cocina?
Mañana va a llover en toda la costa.
Nos vemos a las ocho en la plaza.
El perro de mi vecina ladra mucho.
""",
    "it": """
Non so dove ho messo le chiavi.
Puoi spegnere la luce in cucina?
Domani ci vediamo alle otto davanti al cinema.
La cena era molto buona, grazie.
Il gatto dorme sul divano.
""",
    "pt": """
Não sei onde deixei as minhas chaves.
Você pode apagar a luz da cozinha?
Amanhã vai chover em todo o país.
O cachorro da minha vizinha late muito.
Nós comemos num pequeno restaurante da praia.
""",
    "nl": """
Ik weet niet waar mijn sleutels zijn.
Kun je het licht in de keuken uitdoen?
Morgen gaat het de hele dag regenen.
We hebben gisteren lekker gegeten in de stad.
De hond van de buren blaft de hele nacht.
""",
    "pl": """
Nie wiem, gdzie są moje klucze.
Czy możesz zgasić światło w kuchni?
Jutro będzie padać przez cały dzień.
Spotkamy się o ósmej przed kinem.
Mój brat mieszka w małym mieście.
""",
    "sv": """
Jag vet inte var mina nycklar är.
Kan du släcka lampan i köket?
I morgon ska det regna hela dagen.
Vi ses klockan åtta utanför biografen.
Min bror bor i en liten stad vid havet.
""",
    "da": """
Jeg ved ikke, hvor mine nøgler er.
Kan du slukke lyset i køkkenet?
I morgen skal det regne hele dagen.
Vi spiste på en lille restaurant i går aftes.
Min bror bor i en lille by ved havet.
""",
    "cs": """
Nevím, kde mám svoje klíče.
Můžeš zhasnout světlo v kuchyni?
Zítra bude celý den pršet.
Sejdeme se v osm hodin před kinem.
Můj bratr bydlí v malém městě u řeky.
""",
    "tr": """
Anahtarlarımın nerede olduğunu bilmiyorum.
Mutfaktaki ışığı kapatabilir misin?
Yarın bütün gün yağmur yağacak.
Kardeşim denize yakın küçük bir şehirde yaşıyor.
Saat sekizde sinemanın önünde buluşalım.
""",
    "fi": """
En tiedä, missä avaimeni ovat.
Voitko sammuttaa keittiön valon?
Huomenna sataa koko päivän.
Veljeni asuu pienessä kaupungissa meren rannalla.
Tapaamme kello kahdeksan elokuvateatterin edessä.
""",
    "ro": """
Nu știu unde sunt cheile mele.
Poți să stingi lumina din bucătărie?
Mâine o să plouă toată ziua.
Ne vedem la ora opt în fața cinematografului.
Fratele meu locuiește într-un oraș mic de la mare.
""",
    "hu": """
Nem tudom, hol vannak a kulcsaim.
Le tudnád kapcsolni a lámpát a konyhában?
Holnap egész nap esni fog az eső.
A bátyám egy kis városban lakik a tenger mellett.
Nyolckor találkozunk a mozi előtt.
""",
    "en": """
I do not know where my keys are.
Could you turn off the light in the kitchen?
It is going to rain all day tomorrow.
We will meet at eight in front of the cinema.
My brother lives in a small town by the sea.
""",
}

SELDOM_SURE = {"da"}
"""The model gives half of a short Danish sentence to Norwegian and Swedish."""

BY_SCRIPT = {
    "Привет": "ru",
    "Доброе утро, как дела?": "ru",
    "Дякую, у мене все дуже добре сьогодні.": "uk",
    "مرحبا بالعالم": "ar",
    "من امروز به خانه می‌روم و کتاب می‌خوانم.": "fa",
    "你好": "zh",
    "東京都": "zh",
    "नमस्ते": "hi",
    "สวัสดี": "th",
    "Γεια σου": "el",
    "שלום": "he",
    "こんにちは": "ja",
    "안녕": "ko",
    "გამარჯობა": "ka",
    "Բարեւ": "hy",
    "我喜欢 iPhone": "zh",
}


@pytest.mark.parametrize("text", STAYS_ENGLISH)
def test_names_and_loans_change_no_voice(text: str) -> None:
    found = detect_language(text, default="en")

    assert found is None or found.language == "en"
    assert detect_language(text) == found


def test_ordinary_sentences_are_found_and_never_taken_for_another_language() -> None:
    found = {
        (language, text): one.language if (one := detect_language(text, default=default)) else None
        for language, texts in ORDINARY.items()
        for text in texts.strip().splitlines()
        for default in ("de" if language == "en" else "en",)
    }

    assert [(case, said) for case, said in found.items() if said not in (case[0], None)] == []
    for language in ORDINARY:
        said = [one for case, one in found.items() if case[0] == language]
        assert len(said) >= 5
        least = 0.8 if language not in SELDOM_SURE else 0.5
        assert said.count(language) >= least * len(said), language


@pytest.mark.parametrize(("text", "language"), BY_SCRIPT.items())
def test_a_script_tells_however_short_the_text(text: str, language: str) -> None:
    found = detect_language(text, default="en")

    assert found is not None
    assert found.language == language
    assert 0.5 < found.confidence <= 1


@pytest.mark.parametrize(
    ("text", "default"), [("東京都", "ja"), ("Дякую", "uk"), ("سلام", "fa"), ("नमस्कार", "mr")]
)
def test_a_shared_script_is_first_of_all_the_defaults(text: str, default: str) -> None:
    found = detect_language(text, default=default)

    assert found is not None
    assert found.language == default


def test_words_of_the_default_outweigh_a_few_of_another_language() -> None:
    text = "Das Meeting war ein Fail, aber the show must go on, oder?"
    found = detect_language(text, default="de")

    assert found is None or found.language == "de"
    assert detect_language("We stayed in Köln, der Stadt am Rhein.", default="en") is None


@pytest.mark.parametrize("default", ["en", "de", "sw", "xx", ""])
def test_the_default_itself_is_an_answer(default: str) -> None:
    found = detect_language("Die Katze liegt auf dem Sofa und schläft.", default=default)

    assert found is not None
    assert found.language == "de"
