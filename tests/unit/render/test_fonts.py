"""The fonts: names of any language print, what cannot be drawn is seen, nothing hides."""

import re
import unicodedata
from dataclasses import replace
from importlib.resources import files

import pytest

from invoices.clients import Address
from invoices.documents.invoice import Invoice
from invoices.render import render
from invoices.render.fonts import covered, families, printable, unprintable
from invoices.render.text import REPLACEMENT
from invoices.render.wording import breakable
from tests.support.bills.sample_documents import BUYER, invoice, line
from tests.support.pdf_files import pages, picture

NAMES = {
    "Arabic": "شركة الحوسبة السحابية",
    "Armenian": "Ամպ ՍՊԸ",
    "Bengali": "ক্লাউড লিমিটেড",
    "Burmese": "ကုမ္ပဏီ မြန်မာ",
    "Canadian syllabics": "ᐃᓄᒃᑎᑐᑦ",
    "Cherokee": "ᏣᎳᎩ",
    "Chinese, simplified": "上海云计算有限公司",
    "Chinese, traditional": "臺灣雲端股份有限公司",
    "Cyrillic": "ООО «Облако» Їжак",
    "Emoji": "Team 🚀 👩‍💻 🇮🇪 👍🏽",
    "Ethiopic": "የደመና ኩባንያ",
    "Georgian": "შპს ღრუბელი",
    "Greek": "Νέφος Α.Ε. Ἀθῆναι",
    "Gujarati": "ક્લાઉડ કંપની",
    "Hebrew": "חברת ענן בע״מ",
    "Hindi": "क्लाउड प्राइवेट लिमिटेड",
    "Japanese": "株式会社クラウドほげ",
    "Kannada": "ಕ್ಲೌಡ್ ಸಂಸ್ಥೆ",
    "Khmer": "ក្រុមហ៊ុនពពក",
    "Korean": "주식회사 클라우드",
    "Lao": "ບໍລິສັດ ຄລາວ",
    "Malayalam": "ക്ലൗഡ് കമ്പനി",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ",
    "N'Ko": "ߒߞߏ",
    "Odia": "କ୍ଲାଉଡ୍ କମ୍ପାନୀ",
    "Persian": "شرکت رایانش ابری می‌خواهم",
    "Polish": "Zażółć gęślą jaźń",
    "Punjabi": "ਕਲਾਉਡ ਕੰਪਨੀ",
    "Sinhala": "වලාකුළු සමාගම ශ්‍රී",
    "Symbols": "→ ✓ ★ € ₿ ₹ ∑ ½ № ™ 𝒞",
    "Syriac": "ܣܘܪܝܝܐ",
    "Tamil": "மேகக் கணிமை நிறுவனம்",
    "Telugu": "క్లౌడ్ సంస్థ",
    "Thaana": "ދިވެހި",
    "Thai": "บริษัท คลาวด์ จำกัด",
    "Tibetan": "སྤྲིན་གྱི་ཀུང་སི",
    "Tifinagh": "ⵜⴰⵎⴰⵣⵉⵖⵜ",
    "Turkish": "Bulut Şirketi İstanbul",
    "Urdu": "کلاؤڈ کمپنی ہے",
    "Vietnamese": "Công ty Đám Mây Việt Nam",
    "Yi": "ꆈꌠꉙ",
}


def text_of(document: Invoice) -> str:
    return "\n".join(pages(render(document, "pdf")))


@pytest.mark.parametrize("language", NAMES)
def test_names_of_every_script_have_their_glyphs(language: str) -> None:
    assert unprintable(NAMES[language]) == ""
    assert printable(NAMES[language]) == unicodedata.normalize("NFC", NAMES[language])


def test_names_of_every_script_are_on_the_page_and_can_be_found_there() -> None:
    lines = tuple(
        line(100, key=f"k{number}", account_id=f"{number:012}", account_name=name)
        for number, name in enumerate(NAMES.values(), start=1)
    )
    text = text_of(invoice(lines))
    assert REPLACEMENT not in text
    for language in ("Chinese, simplified", "Cyrillic", "Japanese", "Armenian", "Vietnamese"):
        assert NAMES[language] in text


def test_a_client_abroad_gets_an_address_in_its_own_script() -> None:
    address = Address(street="港区六本木1-2-3", city="東京都", postcode="106-0032", country="JP")
    buyer = replace(BUYER, name=NAMES["Japanese"], address=address)
    text = text_of(invoice((line(100),), buyer=buyer))
    for words in ("株式会社クラウドほげ", "港区六本木1-2-3", "106-0032 東京都", "JAPAN"):
        assert words in text


def test_a_long_word_may_break_where_its_letters_stand_alone_and_nowhere_else() -> None:
    assert breakable("arn:aws:ec2:eu-west-1:011254002932:instance") == (
        "arn:aws:ec2:\u200beu-west-1:01\u200b1254002932:i\u200bnstance"
    )
    assert breakable("ที่" * 20) == "ที่" * 20
    assert breakable("short words stay as they are") == "short words stay as they are"


def test_han_characters_have_the_shape_of_the_clients_country() -> None:
    shapes = {country: shape_of("骨", country) for country in ("CN", "JP", "TW", "KR")}
    assert len(set(shapes.values())) >= 3


def shape_of(character: str, country: str) -> bytes:
    """The pixels of the client's name on page 1."""
    address = Address(street="1", city="1", postcode="1", country=country)
    document = invoice((line(100),), buyer=replace(BUYER, name=character, address=address))
    return picture(render(document, "pdf"), scale=2, window=(50, 150, 30, 13))


def test_every_character_the_fonts_claim_is_accepted_by_the_archive_format() -> None:
    """But for the ideographs and Hangul syllables, which one font has in full."""
    claimed = sorted(frozenset().union(*map(covered, families())))
    small = [code for code in claimed if code < 0x3400 or 0xA000 <= code < 0xAC00]
    large = [code for code in claimed if 0xFB00 <= code < 0x20000]
    characters = "".join(filter(str.strip, map(printable, map(chr, (*small, *large)))))
    assert len(characters) > 15_000
    pieces = [characters[at : at + 60] for at in range(0, len(characters), 60)]
    lines = tuple(line(1, key=str(n), description=piece) for n, piece in enumerate(pieces))
    assert render(invoice(lines), "pdf")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("a\0b\x1bc\x85d", "abc d"),
        ("tab\tand\r\nline", "tab and  line"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("Cafe\u0301", "Café"),
        ("1\ufe0f\u20e3", "1\ufe0f"),
        ("\ud800", REPLACEMENT),
        ("\ue000", REPLACEMENT),
        ("\uffff", REPLACEMENT),
        ("Tangut \U00017000", f"Tangut {REPLACEMENT}"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_what_hides_is_removed_and_what_cannot_be_drawn_is_seen(text: str, printed: str) -> None:
    assert printable(text) == printed


def test_what_no_font_has_can_be_told_when_a_name_is_configured() -> None:
    assert unprintable("Müller 株式会社 🚀") == ""
    assert unprintable("a\U00017000b\ue000\U00017000") == "\U00017000\ue000"


def test_every_font_is_named_in_the_licence_file() -> None:
    folder = files("invoices.render") / "fonts"
    licence = (folder / "LICENSE.txt").read_text(encoding="utf-8")
    shipped = {each.name for each in folder.iterdir()} - {"LICENSE.txt"}
    assert set(re.findall(r"^    (\S+\.[ot]tf)$", licence, re.MULTILINE)) == shipped
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence


def test_the_fonts_fit_in_25_mb() -> None:
    folder = files("invoices.render") / "fonts"
    assert sum(len(each.read_bytes()) for each in folder.iterdir()) < 25_000_000
