"""A draft's id is of its document and of how it came about; what is carried is its own client's."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from invoices.clients import ClientKey, MonthPolicies, Tax, TaxCategory, ZeroMonths
from invoices.documents.carry_forward import CarryForward
from invoices.documents.document import content_id, to_document
from invoices.inputs import ExchangeRate
from invoices.kinds import Kind
from invoices.month import bill, prove
from invoices.periods import BillingPeriod
from tests.support.builders import OCTOBER, book, charge, charges, client, inputs, markup, owns

ACME, BELL = "111111111111", "222222222222"
FIRST = date(2018, 10, 1)
ROWS = [
    charge(ACME, "100", service_day=FIRST),
    charge(ACME, "31", Kind.RI_FEE, service_day=FIRST, last_day="2018-10-31"),
    charge(ACME, "7", Kind.UNKNOWN, service_day=FIRST, description_key="NewType"),
]
KNOWN = replace(
    inputs(
        owns("acme", ACME, date(2018, 1, 1), date(2018, 10, 15)),
        owns("bell", ACME, date(2018, 10, 15)),
        books=[book(markup("10", "Ten", service="AmazonEC2", kind="usage"))],
    ),
    line_types={"NewType": "fee"},
    line_types_since={"NewType": "2018-09"},
)


def test_the_id_is_that_of_the_document_and_of_every_working() -> None:
    """100 at 10 %; 14 of 31 days of a fee, at cost; and 7 of a type that a person mapped.

    A cost has ten places and six of the share passed, a price six more of its markup.
    """
    acme, bell = bill(charges(*ROWS), KNOWN).drafts

    key = f"{ACME}/AmazonEC2"
    by_days = "by days: 14 of 31, 2018-10-01 to 2018-10-14"
    (fee,) = [line.key for line in acme.invoice.lines if line.key.startswith(f"{key}/fee")]
    assert acme.draft_id == content_id(
        {
            "document": to_document(acme.invoice),
            "working": [
                [f"{key}/usage", "Ten", "standard-1", "billed", f"100.{0:016}", f"110.{0:022}"],
                [
                    *(fee, "at cost", "standard-1", "billed", f"7.{0:016}", f"7.{0:022}"),
                    "line type NewType is fee from 2018-09",
                ],
                [
                    f"{key}/ri_fee",
                    "at cost",
                    "standard-1",
                    "billed",
                    f"14.{0:016}",
                    f"14.{0:022}",
                    by_days,
                ],
            ],
        }
    )
    assert (acme.client, bell.client) == ("acme", "bell")
    assert bell.draft_id != acme.draft_id


def test_a_balance_is_taken_off_its_own_client_s_invoice() -> None:
    """Bell is owed 30 of September; Acme's 100 stay 100, Bell's 100 become 70."""
    owed = CarryForward(
        client=ClientKey("bell"),
        period=BillingPeriod(2018, 9),
        currency="USD",
        net_minor=30_00,
        category=TaxCategory.OUTSIDE_SCOPE,
        rate_percent=Decimal(0),
        note="",
    )
    known = inputs(owns("acme", ACME), owns("bell", BELL))
    month = bill(
        charges(charge(ACME, "100"), charge(BELL, "100")), replace(known, balances=(owed,))
    )

    assert {each.client: each.invoice.total_minor for each in month.drafts} == {
        "acme": 100_00,
        "bell": 70_00,
    }
    (told,) = month.findings
    assert (told.code, told.where) == ("balance_taken", "bell")
    assert told.message == (
        "Of the balance of bell from 2018-09, 30 USD is taken off this month's invoice and 0 is "
        "carried on."
    )


def test_a_balance_of_another_currency_waits_and_says_so() -> None:
    owed = CarryForward(
        ClientKey("acme"),
        BillingPeriod(2018, 9),
        "EUR",
        30_00,
        TaxCategory.STANDARD,
        Decimal(19),
        "",
    )
    known = replace(inputs(owns("acme", ACME)), balances=(owed,))
    month = bill(charges(charge(ACME, "100")), known)

    assert month.drafts[0].invoice.total_minor == 100_00
    assert [(each.code, each.message) for each in month.findings] == [
        (
            "balance_waits",
            (
                "Of the balance of acme from 2018-09, 0 EUR is taken off this month's invoice and "
                "30 is carried on: it waits for an invoice in EUR."
            ),
        )
    ]


def test_the_tax_in_the_seller_s_currency_is_of_what_a_balance_leaves() -> None:
    """100 less 30 are 70, and 13.30 of tax: 63 and 11.97 at 0.90."""
    owed = CarryForward(
        ClientKey("acme"),
        BillingPeriod(2018, 9),
        "USD",
        30_00,
        TaxCategory.STANDARD,
        Decimal(19),
        "",
    )
    known = inputs(
        owns("acme", ACME),
        clients=[client("acme", tax=Tax(TaxCategory.STANDARD, Decimal(19)))],
        rates=[ExchangeRate(OCTOBER, "USD", "EUR", Decimal("0.9"), "ECB")],
    )
    (draft,) = bill(
        charges(charge(ACME, "100")), replace(known, balances=(owed,), tax_currency="EUR")
    ).drafts

    found = draft.invoice.accounting_tax
    assert found is not None
    assert [(each.base_minor, each.tax_minor) for each in found.tax_lines] == [(63_00, 11_97)]


@pytest.mark.parametrize(
    ("billed", "policy", "documented"),
    [
        ("1", ZeroMonths.NO_DOCUMENT, True),
        ("0", ZeroMonths.NO_DOCUMENT, False),
        ("0", ZeroMonths.INVOICE, True),
        ("0", None, True),
    ],
)
def test_a_month_that_asks_for_nothing_has_a_document_by_its_client_s_policy(
    billed: str, policy: ZeroMonths | None, documented: bool
) -> None:
    acme = client("acme", months=MonthPolicies(zero=policy))
    (draft,) = bill(
        charges(charge(ACME, billed)), inputs(owns("acme", ACME), clients=[acme])
    ).drafts

    assert draft.gets_document is documented


def test_the_proof_has_the_month_s_findings_and_does_not_close_with_a_critical_one() -> None:
    month = bill(charges(charge(ACME, "10"), charge(BELL, "5")), inputs(owns("acme", ACME)))

    proof = prove(month)

    assert [each.code for each in proof.findings] == ["account_unassigned"]
    assert (proof.difference, proof.unassigned) == (Decimal(0), Decimal(5))
    assert (proof.period, proof.currency, proof.payer_total) == (OCTOBER, "USD", Decimal(15))
    assert not proof.closes


VAT = Tax(TaxCategory.STANDARD, Decimal(19))


@pytest.mark.parametrize(
    ("tax", "stated"),
    [(VAT, [("EUR", 90_00, 17_10)]), (Tax(), []), (Tax(TaxCategory.EXEMPT), [])],
)
def test_tax_is_stated_in_the_seller_s_own_currency_where_there_is_tax(
    tax: Tax, stated: list[tuple[str, int, int]]
) -> None:
    """19 % of 100 dollars are 19; at 0.90 they are 17.10 euros, of 90."""
    known = inputs(
        owns("acme", ACME),
        clients=[client("acme", tax=tax)],
        rates=[ExchangeRate(OCTOBER, "USD", "EUR", Decimal("0.9"), "ECB")],
    )
    month = bill(charges(charge(ACME, "100")), replace(known, tax_currency="EUR"))

    found = month.drafts[0].invoice.accounting_tax
    lines = found.tax_lines if found else ()
    assert [("EUR", each.base_minor, each.tax_minor) for each in lines] == stated
    assert found is None or (found.currency, found.exchange.rate) == ("EUR", Decimal("0.9"))


def test_a_line_says_in_what_it_is_charged_where_that_is_neither_payer_s_nor_client_s() -> None:
    """10 dollars, 20 pounds and 30 euros, to a client that pays in euros."""
    rows = [
        charge(ACME, "10", service="A"),
        charge(ACME, "20", service="B", currency="GBP"),
        charge(ACME, "0", service="C", currency="GBP"),
        charge(ACME, "30", service="D", currency="EUR"),
    ]
    known = inputs(
        owns("acme", ACME),
        clients=[client("acme", currency="EUR")],
        rates=[
            ExchangeRate(OCTOBER, "USD", "EUR", Decimal("0.9"), ""),
            ExchangeRate(OCTOBER, "GBP", "EUR", Decimal("1.1"), ""),
        ],
    )
    (draft,) = bill(charges(*rows, charge(ACME, "1", service="E")), known).drafts

    assert [
        (each.service, each.description, each.amount_minor) for each in draft.invoice.lines
    ] == [
        ("A", "Usage", 9_00),
        ("B", "Usage, charged in GBP", 22_00),
        ("D", "Usage", 30_00),
        ("E", "Usage", 90),
    ]
    assert [each.from_currency for each in draft.invoice.other_exchanges] == ["GBP"]
    assert draft.invoice.exchange is not None
    assert draft.invoice.exchange.rate == Decimal("0.9")
    assert draft.invoice.total_minor == 61_90
