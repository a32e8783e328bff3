"""Reconciliation: the proof closes exactly, or it says where it does not."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from invoices.clients import ClientKey, Tax, TaxCategory
from invoices.control_totals import (
    ControlFileRecord,
    ControlTotal,
    control_total_differs,
    differs,
)
from invoices.documents.issuing import issue
from invoices.inputs import ExchangeRate
from invoices.kinds import CostBasis, Kind
from invoices.month import BilledMonth, bill, prove
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat
from kernel.findings import Finding, Severity
from tests.support.builders import (
    OCTOBER,
    PAYER,
    book,
    charge,
    charges,
    client,
    inputs,
    markup,
    owns,
)

ACME, BELL, OURS = "111111111111", "222222222222", "999999999999"


def month(**acme: Any) -> BilledMonth:
    rows = [
        charge(ACME, "10.005"),
        charge(BELL, "3.00"),
        charge(BELL, "0.57", Kind.TAX),
        charge(BELL, "-1.00", Kind.CREDIT),
        charge(OURS, "7"),
    ]
    return bill(
        charges(*rows),
        inputs(
            owns("acme", ACME),
            owns("bell", BELL),
            clients=[client("acme", **acme), client("bell")],
            books=[book(markup("7.5"))],
            internal=[OURS],
            custom=[
                CustomLineItem(
                    "i", ClientKey("acme"), CustomKind.FEE, "Fee", Flat(Decimal(5)), OCTOBER
                )
            ],
            rates=[ExchangeRate(OCTOBER, "USD", "EUR", Decimal("0.8706"), "ECB 2018-10-31")],
        ),
    )


def test_the_proof_as_it_is_published() -> None:
    proof = prove(
        month(tax=Tax(TaxCategory.STANDARD, Decimal(23))),
        control_totals=[
            ControlTotal("cost_explorer", "unblended", Decimal("19.575"), Decimal("19.575"))
        ],
    )

    assert proof.to_json() == {
        "period": "2018-10",
        "payer_account_id": PAYER,
        "currency": "USD",
        "payer_total": "19.575",
        "clients": [
            {
                "client": "acme",
                "cost": "10.005",
                "price": "15.755375",  # 10.005 x 1.075 + 5
                "margin": "5.750375",
                "custom_price": "5",
                "invoice_number": "",
                "invoice_currency": "USD",
                "exchange_rate": "1",
                "carried": "0.00",
                "tax": "3.62",  # 15.76 x 23 % = 3.6248
                "rounding": "0.004625",
                "invoice_total": "19.38",
            },
            {
                "client": "bell",
                "cost": "3",
                "price": "3.225",
                "margin": "0.225",
                "custom_price": "0",
                "invoice_number": "",
                "invoice_currency": "USD",
                "exchange_rate": "1",
                "carried": "0.00",
                "tax": "0.00",
                "rounding": "0.005",
                "invoice_total": "3.23",
            },
        ],
        "carried_forward": [],
        "retained": {"aws_tax": "0.57", "credits": "-1", "internal_accounts": "7"},
        "unassigned": "0",
        "rounding": "0",
        "closes": True,
        "confirmed": True,
        "confirmed_by": ["Cost Explorer"],
        "control_files": [],
        "control_totals": [
            {
                "source": "cost_explorer",
                "what": "unblended",
                "theirs": "19.575",
                "ours": "19.575",
                "difference": "0",
            }
        ],
        "findings": [],
    }
    assert json.dumps(proof.to_json())
    assert Decimal("19.575") == Decimal("10.005") + 3 + Decimal("0.57") - 1 + 7


def test_a_client_in_euros_is_converted_and_its_rounding_explained() -> None:
    (acme, _) = prove(month(currency="EUR")).to_json()["clients"]

    rate, price, rounding = (Decimal(acme[key]) for key in ("exchange_rate", "price", "rounding"))
    assert (rate, acme["invoice_total"]) == (Decimal("0.8706"), "14.36")  # 9.3636294… + 5
    assert price == Decimal("10.755375") + Decimal("5.7431656329")  # 5 EUR / 0.8706
    assert price * rate + rounding == Decimal("14.36")
    assert abs(rounding) < Decimal("0.005")


def test_issued_invoices_stand_in_for_their_drafts() -> None:
    billed = month()
    issued = {
        draft.client: issue(draft.invoice, number=f"INV-00000{at}", issued_on=date(2018, 11, 5))
        for at, draft in enumerate(billed.drafts, 1)
    }

    proof = prove(billed, issued=issued)

    assert [each["invoice_number"] for each in proof.to_json()["clients"]] == [
        "INV-000001",
        "INV-000002",
    ]
    assert proof.closes


def test_an_issued_invoice_of_another_amount_does_not_close() -> None:
    billed = month()
    invoice = billed.drafts[1].invoice
    cent_more = replace(
        invoice,
        lines=(replace(invoice.lines[0], amount_minor=3_24),),
        subtotal_minor=3_24,
        total_minor=3_24,
    )

    proof = prove(billed, issued={ClientKey("bell"): cent_more})

    assert not proof.closes
    assert [total.closes for total in proof.clients] == [True, False]


def test_a_parked_client_keeps_its_cost_and_the_month_open() -> None:
    billed = bill(
        charges(charge(ACME, "10")),
        inputs(owns("acme", ACME), clients=[client("acme", currency="GBP")]),
    )

    proof = prove(billed)

    (acme,) = proof.to_json()["clients"]
    assert (acme["cost"], acme["invoice_total"]) == ("10", None)
    assert proof.difference == 0
    assert not proof.closes


def test_unassigned_money_keeps_the_month_open_though_it_is_accounted_for() -> None:
    proof = prove(bill(charges(charge(ACME, "10")), inputs()))

    assert (proof.unassigned, proof.difference, proof.closes) == (Decimal(10), Decimal(0), False)


def test_awss_own_rounding_is_a_figure_of_its_own() -> None:
    proof = prove(month(), rounding=Decimal("-0.005"))

    assert (proof.payer_total, proof.rounding) == (Decimal("19.57"), Decimal("-0.005"))
    assert proof.closes


def test_money_that_nobody_accounts_for_does_not_close() -> None:
    assert not replace(prove(month()), payer_total=Decimal("19.58")).closes


def test_a_control_total_may_differ_by_less_than_a_cent() -> None:
    def closes(theirs: str) -> bool:
        total = ControlTotal("cost_explorer", "unblended", Decimal(theirs), Decimal("19.575"))
        return prove(month(), control_totals=[total]).closes

    assert closes("19.575") and closes("19.5849999999")
    assert not closes("19.585") and not closes("19.565")


@pytest.mark.parametrize(
    ("currency", "apart", "is_apart"),
    [
        # AWS states whole yen, and cents of all that has cents.
        ("JPY", "0.4", False),
        ("JPY", "-1", True),
        ("EUR", "0.0099", False),
        ("EUR", "0.01", True),
        ("KWD", "0.001", True),
        ("KWD", "-0.0009", False),
        ("", "0.01", True),  # The bill's: dollars.
    ],
)
def test_a_control_total_may_differ_by_less_than_its_currencys_smallest_unit(
    currency: str, apart: str, is_apart: bool
) -> None:
    ours = Decimal("1005")
    total = ControlTotal("control_file", "x", ours + Decimal(apart), ours, currency)
    assert differs(total, "USD") is is_apart


def test_where_no_currency_is_named_a_cent_is_too_much() -> None:
    total = ControlTotal("control_file", "x", Decimal("1.01"), Decimal(1))
    assert differs(total, "") and differs(replace(total, currency="???"), "USD")


def test_a_control_total_says_in_what_it_is_and_how_far_it_is_apart() -> None:
    """319.38 - 319.80246053 = -0.42246053."""
    total = ControlTotal("control_file", "invoice_id 7", Decimal("319.38"), Decimal("319.80246053"))

    assert control_total_differs(total, "USD").message == (
        "invoice_id 7: the control file says 319.38 USD, the export that is billed 319.80246053, "
        "which is -0.42246053 apart; ingest the export again, or wait until AWS has settled the "
        "month."
    )
    of_aws = replace(total, source="cost_explorer", currency="EUR")
    assert "the Cost Explorer says 319.38 EUR" in control_total_differs(of_aws, "USD").message


def test_commitment_timing_is_part_of_the_proof() -> None:
    row = charge(ACME, "100", amortized_cost="60", net_amortized_cost="60")
    priced_by = book(cost_basis=CostBasis.AMORTIZED)

    proof = prove(bill(charges(row), inputs(owns("acme", ACME), books=[priced_by])))

    assert proof.to_json()["retained"] == {"commitment_timing": "40"}
    assert proof.closes


def test_a_control_file_and_a_finding_as_they_are_published() -> None:
    total = ControlTotal("control_file", "invoice 7", Decimal("3.50"), Decimal("3.57"))
    record = ControlFileRecord(
        snapshot_id="snapshot-1",
        sha256="ab",
        name="bills.csv",
        column="invoice_id",
        compared=2,
        theirs=Decimal("19.50"),
        ours=Decimal("19.57"),
        differing=(total,),
        compared_at=datetime(2018, 11, 5, 8, 30, tzinfo=UTC),
        compared_by="ann",
        counts=True,
    )
    finding = Finding(Severity.WARNING, "total_zero", "here", "Nothing.", client="acme")

    proof = replace(prove(month()), control_files=(record,), findings=(finding,)).to_json()

    assert proof["control_files"] == [
        {
            "name": "bills.csv",
            "sha256": "ab",
            "column": "invoice_id",
            "compared": 2,
            "theirs": "19.5",
            "ours": "19.57",
            "agrees": False,
            "differing": [
                {
                    "source": "control_file",
                    "what": "invoice 7",
                    "theirs": "3.5",
                    "ours": "3.57",
                    "difference": "-0.07",
                }
            ],
            "compared_at": "2018-11-05T08:30:00+00:00",
            "compared_by": "ann",
            "snapshot": "snapshot-1",
            "counts": True,
        }
    ]
    assert replace(record, differing=()).to_json()["agrees"] is True
    assert proof["findings"] == [
        {
            "severity": "warning",
            "code": "total_zero",
            "where": "here",
            "message": "Nothing.",
            "client": "acme",
        }
    ]
