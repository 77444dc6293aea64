"""That segments end where sentences do, in the scripts and with the traps of many languages."""

from __future__ import annotations

from itertools import accumulate

import pytest

from stentor.text.segment import Boundary, segment
from stentor.text.sentences import SentenceEnds

PARAGRAPHS = {
    "en": [
        "Dr. Alice B. Moore left the U.S. embassy at 5 p.m. on Jan. 5 with $3.50 in her pocket.",
        "“Is it far?” she asked the driver.",
        "He shrugged... and drove on, i.e. he said nothing at all.",
        "The map was at https://example.org/maps?city=rome, version 2.1.4, no. 7.",
        "Mr. and Mrs. J. R. Hart vs. Acme Inc. was all that the paper wrote about!",
        "Why?",
        "Nobody knew (not even St. John's own people).",
    ],
    "de": [
        "Am 1. Januar 2024 kam Prof. Dr. Weber z. B. erst um 10.30 Uhr an.",
        "„Wo waren Sie?“, fragte Fr. Klein.",
        "Er zahlte ca. 3,50 Euro, d. h. fast nichts, für die Fahrt mit der Linie Nr. 5.",
        "Kaiser Karl V. hatte es besser ...",
        "Das steht in Bd. 2, S. 14 ff., bzw. auf www.beispiel.de zu lesen!",
        "Oder etwa nicht?",
        "Im 20. Jahrhundert war das noch anders.",
    ],
    "fr": [
        "M. Dupont et Mme Petit sont arrivés le 1er mai à 18 h 30.",
        "« Où étiez-vous ? » demanda le Dr Martin.",
        "Il avait payé 3,50 euros, c.-à-d. presque rien, pour le bus no 5.",
        "Quelle histoire !",
        "Voir p. ex. https://exemple.fr/a.b?c=d, art. 5 du code.",
        "J.-P. Morel n'a rien dit… puis il est parti.",
        "Qu'en pensez-vous ?",
    ],
    "es": [
        "El Sr. Ruiz y la Sra. Gil viven en EE. UU. desde el 5 de mayo.",
        "¿Dónde estaban ustedes?",
        "¡Qué lejos!",
        "—Aquí mismo —dijo el Dr. J. Pérez—, en la pág. 5 del plano.",
        "Pagaron 3.50 dólares, p. ej. por el autobús núm. 7.",
        "Luego… nada más.",
        "«No lo sé», contestó ella.",
    ],
    "it": [
        "Il sig. Rossi e la dott.ssa Bianchi sono arrivati alle 18.30.",
        "«Dove eravate?» chiese l'avv. Neri.",
        "Avevano pagato 3,50 euro, ad es. per l'autobus n. 5.",
        "Che storia!",
        "Si veda www.esempio.it/a.b, art. 7, pag. 12.",
        "G. Verdi non disse nulla... poi se ne andò.",
        "Perché?",
    ],
    "pt": [
        "O Sr. Costa e a Dra. Lima chegaram às 18.30 horas.",
        "“Onde estavam vocês?” perguntou o Prof. Reis.",
        "Pagaram R$ 3,50, p. ex. pelo ônibus n. 5.",
        "Que história!",
        "Veja www.exemplo.com.br/a.b, art. 7, pág. 12.",
        "J. M. Souza não disse nada... e depois foi embora.",
        "Por quê?",
    ],
    "ru": [
        "М. Горький и А. П. Чехов встретились в 1899 г. в Ялте.",
        "«Где вы были?» — спросил проф. Иванов.",
        "Он заплатил 3,50 руб., т. е. почти ничего, см. п. 5 и рис. 2.",
        "Какая история!",
        "Подробнее на www.primer.ru/a.b, стр. 12.",
        "Потом он замолчал… и ушёл.",
        "Почему?",
    ],
    "pl": [
        "Prof. Nowak i dr A. Zieliński przyjechali o godz. 18.30 na ul. Długą 5.",
        "„Gdzie byliście?” zapytał inż. Lis.",
        "Zapłacili 3,50 zł, tzn. prawie nic, np. za autobus nr 5.",
        "Co za historia!",
        "Zob. www.przyklad.pl/a.b, str. 12, art. 7.",
        "Potem zamilkł... i wyszedł.",
        "Dlaczego?",
    ],
    "zh": [
        "王先生今天早上八点半到了北京。",
        "他问：“你们去哪儿了？我找了很久。”",
        "车票只要3.50元，见第5页。",
        "真是个好故事！",
        "详细内容在https://example.cn/a.b?c=d上。",
        "他沉默了……然后走了。",
        "为什么？",
    ],
    "ja": [
        "田中さんは今朝八時半に東京に着きました。",
        "「どこにいたのですか。心配しましたよ。」と彼女は言った。",
        "切符は3.50ドルで、5ページに書いてあります。",
        "すごい話ですね！",
        "『吾輩は猫である。』という本を読みましたか？",
        "彼は黙って……それから出て行った。",
        "なぜでしょう？",
    ],
    "ar": [
        "وصل د. أحمد إلى المدينة في الساعة 8.30 صباحا، ومعه أخوه.",
        "أين كنتم أمس؟",
        "قال الرجل: «لا أعرف شيئا»، ثم سكت.",
        "دفعوا 3.50 ريال؛ وهو ثمن قليل جدا.",
        "يا لها من قصة!",
        "لماذا حدث هذا؟",
        "لا أحد يعرف الجواب.",
    ],
    "hi": [
        "डॉ. शर्मा आज सुबह 8.30 बजे दिल्ली पहुँचे।",
        "क्या आप कल वहाँ थे?",
        "उसने कहा, “मुझे नहीं पता।”",
        "टिकट केवल 3.50 रुपये का था।",
        "क्या कहानी है!",
        "पं. नेहरू ने यह पुस्तक लिखी थी।",
        "क्यों?",
    ],
    "ko": [
        "김 선생님은 오늘 아침 8.30에 서울에 도착했습니다.",
        "“어디에 있었어요?”라고 그녀가 물었다.",
        "표는 3.50달러였고, 5쪽에 나와 있습니다.",
        "정말 멋진 이야기네요!",
        "그는 말이 없었다...",
        "그리고 조용히 떠났다.",
        "왜 그랬을까요?",
        "아무도 모릅니다.",
    ],
}
SPACE = {"zh": "", "ja": ""}
BY_SCRIPT = ("en", "ru", "zh", "ja", "ar", "hi", "ko")
"""Languages whose rules a script alone suggests."""

CASES = [(code, code) for code in PARAGRAPHS] + [(code, None) for code in BY_SCRIPT]


def paragraph(language: str) -> tuple[str, list[int]]:
    """The text and the offsets behind its sentences and the space after them."""
    space = SPACE.get(language, " ")
    sentences = PARAGRAPHS[language]
    text = space.join(sentences)
    return text, list(accumulate(len(one) + len(space) for one in sentences[:-1]))


@pytest.mark.parametrize(("language", "told"), CASES)
def test_every_sentence_end_is_found_and_no_other(language: str, told: str | None) -> None:
    text, ends = paragraph(language)
    found = [cut.end for cut in SentenceEnds(text, told).between(0, len(text))]

    assert [text[:end][-20:] for end in found] == [text[:end][-20:] for end in [*ends, len(text)]]


@pytest.mark.parametrize("size", [60, 100, 160, 300])
@pytest.mark.parametrize(("language", "told"), CASES)
def test_segments_end_with_sentences(language: str, told: str | None, size: int) -> None:
    text, ends = paragraph(language)
    inside = inside_quotations(text)
    parts = list(segment(text, language=told, max_chars=size, first_chars=size // 2))

    assert "".join(part.text for part in parts) == text
    stops = {
        part.start + len(part.text): part.text[-25:]
        for part in parts
        if part.boundary is Boundary.SENTENCE
    }
    assert {end: tail for end, tail in stops.items() if end not in {*ends, *inside}} == {}
    if size >= 160:
        assert all(part.boundary >= Boundary.SENTENCE for part in parts[1:])


def inside_quotations(text: str) -> set[int]:
    """A quotation that is too long is cut at its own sentences."""
    return {text.index(start) for start in ("我找了很久", "心配しましたよ") if start in text}
