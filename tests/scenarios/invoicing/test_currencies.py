"""A month in several currencies at the front door: taken in, billed, proved and confirmed apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Rebill
from tests.support.bills.front_door import PERIOD, client, exported, written
from tests.support.bills.ingest_builders import PAYER, Row, line, put

ACME, BELL = "000000000011", "222222222222"
MONTH = ("--period", PERIOD)
CONFIRMED = "It closes. Confirmed by control file c.csv"
RATE = {"period": PERIOD, "from": "EUR", "to": "USD", "rate": "1.1", "source": "ECB 2026-10-30"}


def rows() -> list[Row]:
    """Acme uses 100 USD and a seller's product of 50 EUR; Bell uses 20 USD, and owes no tax."""
    seller = {"bill_billing_entity": "AWS Marketplace", "product_product_name": "Datenhaus"}
    return [
        line("100", line_item_usage_account_id=ACME),
        line(
            "50",
            "Fee",
            line_item_usage_account_id=ACME,
            line_item_currency_code="EUR",
            bill_invoice_id="2",
            **seller,
        ),
        line("20", line_item_usage_account_id=BELL),
        line("0", "Tax", line_item_usage_account_id=BELL, line_item_currency_code=""),
    ]


def month(rebill: Rebill, folder: Path, **configuration: Any) -> Rebill:
    said: dict[str, Any] = {"clients": [client("acme", ACME), client("bell", BELL)]}
    assert rebill("apply", written(folder, **said, **configuration)).status == 0
    taken = rebill("ingest", exported(folder / "e", rows()), "--payer", PAYER, *MONTH)
    assert taken.status == 0
    assert "1 of these rows are in EUR" in taken.out and "mixed_currency" in taken.err
    return rebill


def cells(out: str) -> list[list[str]]:
    table = [[cell.strip() for cell in row.split("│")[1:-1]] for row in out.splitlines()]
    return [row for row in table if row and row[0]]


def test_each_currency_is_proved_and_an_invoice_converts_by_the_stated_rate(
    rebill: Rebill, tmp_path: Path
) -> None:
    month(rebill, tmp_path, exchange_rates=[RATE])

    assert rebill("bill", *MONTH).status == 0
    invoices = rebill("bill", *MONTH, "--json").json["invoices"]
    assert [(each["client"], each["total"]) for each in invoices] == [
        ("acme", "155.00"),  # 100 + 50 x 1.1
        ("bell", "20.00"),
    ]
    assert invoices[0]["other_currencies"] == [{"currency": "EUR", "cost": "50", "price": "50"}]
    assert "other_currencies" not in invoices[1]
    proof = rebill("reconcile", *MONTH)
    assert proof.status == 0
    shown = cells(proof.out)
    assert [row for row in shown if row[0] in {"client acme", "payer total", "difference"}] == [
        ["client acme", "100"],
        ["payer total", "120"],
        ["difference", "0"],
        ["client acme", "50"],
        ["payer total", "50"],
        ["difference", "0"],
    ]
    assert "not confirmed by AWS" in proof.out


@pytest.mark.parametrize(
    ("file", "verdict", "said"),
    [
        (
            "invoice_id,amount,currency\n1,120,USD\n2,50,EUR\n",
            CONFIRMED,
            "",
        ),
        (
            "invoice_id,amount,currency\n1,120,\n2,50,EUR\n",
            CONFIRMED,
            "",
        ),
        (
            "account_id,amount,currency\n11,100,\n11,50,EUR\n222222222222,20,\n",
            CONFIRMED,
            "",
        ),
        (
            "invoice_id,amount,currency\n1,120,\n2,55,\n",
            "It does not close.",
            "invoice_id 2 in EUR",
        ),
        ("invoice_id,amount\n1,120\n", "It does not close.", "invoice_id 2 in EUR: "),
    ],
)
def test_a_file_of_aws_s_totals_says_its_currencies(
    rebill: Rebill, tmp_path: Path, file: str, verdict: str, said: str
) -> None:
    month(rebill, tmp_path, exchange_rates=[RATE])
    rebill("bill", *MONTH)

    proof = rebill("reconcile", *MONTH, "--control", put(tmp_path / "c.csv", file.encode()))
    assert any(row.startswith(verdict) for row in proof.out.splitlines())
    assert said in proof.err


def test_without_a_rate_its_bearer_is_parked_and_the_others_are_issued(
    rebill: Rebill, tmp_path: Path
) -> None:
    month(rebill, tmp_path)

    billed = rebill("bill", *MONTH)
    assert billed.status == 1
    assert "acme pays in USD and bears charges priced 50 EUR" in " ".join(billed.err.split())
    assert rebill("approve", *MONTH).status == 0
    issued = rebill("issue", *MONTH, "--on", "2026-11-05")
    assert "SE-" in issued.out and "bell" in issued.out and "acme" not in issued.out


def test_yen_are_shown_and_compared_in_whole_ones(rebill: Rebill, tmp_path: Path) -> None:
    """1,005.4 yen of a seller's product: AWS's invoice says 1005, and at 0.007 they are 7.04 USD.

    7.0378 + 100 are 107.04. To a cent, as dollars are compared, 0.4 would be too much.
    """
    yen = {"line_item_currency_code": "JPY", "bill_billing_entity": "AWS Marketplace"}
    usage = {"line_item_usage_account_id": ACME}
    rows = [
        line("100", **usage),
        line("1005.4", "Fee", bill_invoice_id="2", product_product_name="Senbei", **yen, **usage),
    ]
    rate = RATE | {"from": "JPY", "rate": "0.007"}
    said = written(tmp_path, clients=[client("acme", ACME)], exchange_rates=[rate])
    assert rebill("apply", said).status == 0
    assert rebill("ingest", exported(tmp_path / "e", rows), "--payer", PAYER, *MONTH).status == 0

    assert cells(rebill("bill", *MONTH).out)[-1][3:] == [
        "100.00; 1,005 JPY", "100.00; 1,005 JPY", "0.00; 0 JPY", "107.04 USD",
    ]  # fmt: skip
    file = put(tmp_path / "c.csv", b"invoice_id,amount,currency\n1,100,\n2,1005,JPY\n")
    assert CONFIRMED in rebill("reconcile", *MONTH, "--control", file).out
    file = put(tmp_path / "c.csv", b"invoice_id,amount,currency\n1,100,\n2,1004,JPY\n")
    told = rebill("reconcile", *MONTH, "--control", file)
    assert "invoice_id 2 in JPY: the control file says 1004 JPY" in told.err and told.status == 1
