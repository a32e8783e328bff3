"""Tax is stated in the seller's national currency, whatever the invoice is in.

VAT Directive, art. 230: amounts in any currency, the tax in that of the member state. Relatives:
`odoo/odoo#35334`, `josemmo/einvoicing#22` (Romania), `ConnectingEurope/eInvoicing-EN16931#524`
(not where both are the same).
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, fee, seller, written
from tests.support.bills.ingest_builders import PAYER, line
from tests.support.pdf_files import pages

ACME = "111111111111"
MONTH = ("--period", PERIOD)
IRISH = {"category": "standard", "rate_percent": "23"}
FORMATS = ("json", "csv", "xlsx", "pdf")


def rate(to: str, rate: str, source: str = "ECB 2026-10-30", of: str = "USD") -> dict[str, str]:
    return {"period": PERIOD, "from": of, "to": to, "rate": rate, "source": source}


def billed(
    rebill: Rebill,
    folder: Path,
    cost: str,
    *rates: dict[str, str],
    by: dict[str, str],
    **acme: Any,
) -> list[str]:
    """The codes of what stops Acme."""
    said: dict[str, Any] = {
        "clients": [client("acme", ACME, **acme)],
        "exchange_rates": list(rates),
    }
    assert rebill("apply", written(folder, seller=seller(**by), **said)).status == 0
    rows = [line(cost, line_item_usage_account_id=ACME)]
    assert rebill("ingest", exported(folder / "e", rows), "--payer", PAYER, *MONTH).status == 0
    told = rebill("bill", *MONTH, "--json").json
    return [each["code"] for each in told["findings"] if each["client"] == "acme"]


def documents(rebill: Rebill, folder: Path) -> dict[str, bytes]:
    """Acme's document, by format."""
    for command in ("reconcile", "approve", "issue"):
        assert rebill(command, *MONTH).status == 0
    out = folder / "out"
    assert rebill("export", *MONTH, "--format", ",".join(FORMATS), "--out", out).status == 0
    return {path.suffix[1:]: path.read_bytes() for path in (out / PERIOD / "acme").iterdir()}


@pytest.mark.parametrize(
    ("currency", "cost", "rates", "by", "tax", "stated"),
    [
        # 23 % of 422.00 dollars is 97.06; times 0.8706: 367.3932 and 84.500436.
        (
            "USD",
            "422",
            [rate("EUR", "0.8706")],
            {"tax_currency": "EUR"},
            IRISH,
            ("367.39", "84.50"),
        ),
        # Paid in pounds: 422 x 0.75 = 316.50, tax 72.795; both at 1.16 euros to the pound, the tax
        # as it is on the invoice: 367.14, 72.80 x 1.16 = 84.448.
        (
            "GBP",
            "422",
            [rate("GBP", "0.75"), rate("EUR", "1.16", of="GBP"), rate("EUR", "0.9")],
            {"tax_currency": "EUR"},
            IRISH,
            ("367.14", "84.45"),
        ),
        # 23 % of 100.00 euros at the National Bank of Poland's 4.2345: 97.3935.
        (
            "EUR",
            "200",
            [rate("EUR", "0.5"), rate("PLN", "4.2345", "NBP 211/A/NBP/2026", of="EUR")],
            {"tax_currency": "PLN"},
            IRISH,
            ("423.45", "97.39"),
        ),
        # 10 % of 82.33 dollars cut off is 8.23: 12,349.5 and 1,234.5 yen, cut off as all tax is.
        (
            "USD",
            "82.33",
            [rate("JPY", "150", "TTM")],
            {"tax_currency": "JPY", "tax_rounding": "down"},
            {"category": "standard", "rate_percent": "10"},
            ("12349", "1234"),
        ),
    ],
)
def test_tax_is_stated_in_the_sellers_currency_too(
    rebill: Rebill,
    tmp_path: Path,
    currency: str,
    cost: str,
    rates: list[dict[str, str]],
    by: dict[str, str],
    tax: dict[str, str],
    stated: tuple[str, str],
) -> None:
    assert billed(rebill, tmp_path, cost, *rates, by=by, currency=currency, tax=tax) == []
    told = json.loads(documents(rebill, tmp_path)["json"])

    shown = told["accounting_tax"]
    assert (shown["tax_lines"][0]["base"], shown["tax_lines"][0]["tax"]) == stated
    assert (shown["tax"], shown["currency"]) == (stated[1], by["tax_currency"])
    assert shown["exchange"]["from"] == told["currency"] == currency


def test_every_format_says_at_which_rate(rebill: Rebill, tmp_path: Path) -> None:
    euro = rate("EUR", "0.8706")
    billed(rebill, tmp_path, "422", euro, by={"tax_currency": "EUR"}, tax=IRISH)
    files = documents(rebill, tmp_path)

    words = "Tax in EUR: 84.50 (23 % of 367.39), at 1 USD = 0.8706 EUR (ECB 2026-10-30)."
    assert words.replace(" ", "") in "".join(pages(files["pdf"])).replace("\n", "").replace(" ", "")
    csv = files["csv"].decode("utf-8-sig").splitlines()
    assert csv[0].endswith(",amount,currency,tax_currency,tax_rate")
    assert csv[1].endswith(",422.00,USD,EUR,0.8706")
    with ZipFile(BytesIO(files["xlsx"])) as book:
        strings = book.read("xl/sharedStrings.xml").decode()
    for text in ("Rate of tax, USD to EUR", "0.8706 (ECB 2026-10-30)", "84.50 of 367.39"):
        assert text in strings


@pytest.mark.parametrize(
    ("cost", "acme"),
    [
        # The same currency; nothing to pay in any; nothing at all; tax of less than a cent.
        ("422", {"currency": "EUR", "tax": IRISH}),
        ("422", {"tax": {"category": "reverse_charge", "vat_id": "DE136695976"}}),
        ("422", {"tax": {"category": "export"}}),
        ("0", {"tax": IRISH}),
        ("0.02", {"tax": IRISH}),
    ],
)
def test_where_no_tax_is_converted_no_rate_is_asked_for(
    rebill: Rebill, tmp_path: Path, cost: str, acme: dict[str, Any]
) -> None:
    rates = [rate("EUR", "0.8706")] if acme.get("currency") else []
    assert billed(rebill, tmp_path, cost, *rates, by={"tax_currency": "EUR"}, **acme) == []
    assert "accounting_tax" not in json.loads(documents(rebill, tmp_path)["json"])


def test_a_missing_rate_parks_the_client_by_name(rebill: Rebill, tmp_path: Path) -> None:
    """From dollars to euros there is one; the invoice is in pounds."""
    rates = [rate("GBP", "0.75"), rate("EUR", "0.8706")]
    by = {"tax_currency": "EUR"}
    told = billed(rebill, tmp_path, "422", *rates, by=by, currency="GBP", tax=IRISH)
    assert told == ["tax_rate_missing"]
    assert "no rate from GBP to EUR" in rebill("bill", *MONTH).err


def test_what_was_issued_before_stays_as_it_is(rebill: Rebill, tmp_path: Path) -> None:
    billed(rebill, tmp_path, "422", by={}, tax=IRISH)
    assert "accounting_tax" not in json.loads(documents(rebill, tmp_path)["json"])

    euro = rate("EUR", "0.8706")
    assert billed(rebill, tmp_path, "422", euro, by={"tax_currency": "EUR"}, tax=IRISH) == []


def test_items_in_the_clients_currency_are_taxed_in_the_sellers(
    rebill: Rebill, tmp_path: Path
) -> None:
    """A fee of 100.00 pounds, and no rate from dollars at all: 20 % is 20.00, or 23.20 euros."""
    said: dict[str, Any] = {
        "clients": [
            client("acme", currency="GBP", tax={"category": "standard", "rate_percent": "20"}),
            client("bell", ACME),
        ],
        "custom_line_items": [fee("acme", "100")],
        "exchange_rates": [rate("EUR", "1.16", of="GBP")],
    }
    assert rebill("apply", written(tmp_path, seller=seller(tax_currency="EUR"), **said)).status == 0
    rows = [line("5", line_item_usage_account_id=ACME)]
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0
    assert rebill("bill", *MONTH).status == 0
    assert json.loads(documents(rebill, tmp_path)["json"])["accounting_tax"]["tax"] == "23.20"
