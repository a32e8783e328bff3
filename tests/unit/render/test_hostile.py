"""Names are written by strangers: no format runs, breaks or is bent by 200 of them."""

import csv
import io
import itertools
import json
import re
import zipfile
from xml.etree import ElementTree

import pikepdf
import pytest

from invoices.clients import Address
from invoices.documents.invoice import Buyer, Invoice
from invoices.render import render
from tests.support.bills.sample_documents import invoice, line

FORMULAS = (
    '=HYPERLINK("http://example.com","x")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "=1+1",
    "＝1+1",
    "＠SUM(1)",
    "{=1+1}",
    "=WEBSERVICE(A1)",
)
PREFIXES = ("", " ", "\t", "\r", "\n", "\0", "\u00a0", "\u200b", "\u202e", "\ufeff", '"', ",")
MARKUP = (
    '#import "x.typ": *',
    '#read("/etc/passwd")',
    "#sys.inputs",
    "*bold* _it_ $x$ `raw` <label> @ref",
    "= Heading",
    "\\u{202e}\\",
    "</w:t><script>alert(1)</script>",
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>&b;',
    "]]>",
    "&amp;&lt;",
    "'; DROP TABLE invoices; --",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "%s %n %x {0} {}",
    "a\"b'c`d\\e/f",
    "\x1b[31mred\x1b[0m",
    "\b\b\b",
    "_x000D_ _x0041_",
    "http://example.com/",
    "mailto:a@example.com",
    "internal:Lines!A1",
    "external:c:\\x.xlsx",
    "1e5",
    "00042",
    "NaN",
    "Infinity",
    "TRUE",
    "1/2",
    "2026-10-01",
    "(1)",
    "¼",
    "''",
    "'",
    "-",
    "=",
    "\u202e=1+1\u202c",
    "\u2066abc\u2069",
    "a" * 40_000,
    "W" * 500,
    "א" * 500,
    "字" * 500,
    "e" + "\u0301" * 500,
    "\u0301",
    "\u200d\u200d\u200d",
    "👩‍👩‍👧‍👦" * 50,
    "🇮🇪🇺",
    "ﷺ" * 50,
    "\U000e0041\U000e007f",
    "\uffff\ufffe\ufdd0",
    "\ue000\U000f0000",
    "\U00017000",
    "\u2028\u2029",
    "\u0600\u06dd",
    "กำ" * 50,
    "क्" * 50,
    "\u1160\u11a8",
    "\ufffc",
    "\xad" * 50,
    "¡™£¢∞§¶•ªº",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "﷽﷽﷽",
    " ",
    "",
    "\n\n\n",
    "a,b;c\td|e",
    '"a","b"',
    "\r\n=1+1",
    "line\r\nbreak",
    "\\",
    "\\\\",
    "%00",
    "../../etc/passwd",
    "C:\\Windows",
    "con.txt",
    "None",
    "null",
    "undefined",
    "-0",
    "0x10",
    "1,000.00",
)
PAYLOADS = (*(prefix + text for text in FORMULAS for prefix in PREFIXES), *MARKUP)


def hostile(payload: str) -> Invoice:
    """Every text of a client, an account and a line is the payload."""
    address = Address(payload, payload, payload, "DE", payload)
    buyer = Buyer(payload, payload, address, payload, payload)
    texts = {
        "account_id": payload,
        "account_name": payload,
        "service_name": payload,
        "description": payload,
        "unit": payload,
    }
    lines = (line(-12_50, key=payload, **texts), line(20_00, key=payload + "2", **texts))
    return invoice(lines, buyer=buyer, notes=(payload,))


def test_there_are_two_hundred_payloads() -> None:
    assert len(set(PAYLOADS)) >= 195 and len(PAYLOADS) >= 198


def batches() -> list[tuple[str, ...]]:
    return [PAYLOADS[at : at + 20] for at in range(0, len(PAYLOADS), 20)]


@pytest.mark.parametrize("payloads", batches())
def test_the_csv_has_no_formula_and_its_numbers_are_numbers(payloads: tuple[str, ...]) -> None:
    for payload in payloads:
        text = render(hostile(payload), "csv").decode("utf-8-sig")
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        assert [len(row) for row in rows] == [12, 12]
        amount = header.index("amount")
        assert [row[amount] for row in rows] == ["-12.50", "20.00"]
        numbers = {header.index(name) for name in ("quantity", "price", "amount")}
        texts = itertools.chain.from_iterable(
            (cell for index, cell in enumerate(row) if index not in numbers) for row in rows
        )
        assert not [cell for cell in texts if re.match(r"\s*[=+\-@＝＋－＠\t\r\n\0]", cell)]


@pytest.mark.parametrize("payloads", batches())
def test_the_workbook_has_no_formula_no_link_and_is_well_formed(payloads: tuple[str, ...]) -> None:
    for payload in payloads:
        with zipfile.ZipFile(io.BytesIO(render(hostile(payload), "xlsx"))) as package:
            assert package.testzip() is None
            for name in package.namelist():
                xml = package.read(name)
                ElementTree.fromstring(xml)
                assert b"<f>" not in xml and b"<hyperlink" not in xml
            lines = package.read("xl/worksheets/sheet4.xml").decode()
            assert "<v>-12.50</v>" in lines and "<v>20.00</v>" in lines


@pytest.mark.parametrize("payloads", batches())
def test_the_pdf_is_written_and_has_nothing_active(payloads: tuple[str, ...]) -> None:
    for payload in payloads:
        with pikepdf.open(io.BytesIO(render(hostile(payload), "pdf"))) as document:
            assert 1 <= len(document.pages) <= 6
            assert "/Names" not in document.Root or "/JavaScript" not in document.Root.Names
            assert "/OpenAction" not in document.Root
            assert not [page for page in document.pages if "/Annots" in page]


@pytest.mark.parametrize("payloads", batches())
def test_the_json_gives_every_text_back_as_it_was(payloads: tuple[str, ...]) -> None:
    for payload in payloads:
        document = json.loads(render(hostile(payload), "json"))
        assert document["client"]["name"] == payload
        assert [each["description"] for each in document["lines"]] == [payload, payload]
