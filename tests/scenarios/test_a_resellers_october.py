"""A reseller's October: four clients, a move, a fee and a mistake, until the proof closes.

Anna pays in euros and hands an account to Bell on the 16th. Cora buys on the Marketplace. Dora's
price book was forgotten. Our own account runs the tools. AWS gives a discount, a credit and a
refund, and asks for tax.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from invoices.clients import ClientKey, Tax, TaxCategory
from invoices.documents.issuing import issue
from invoices.inputs import BillingInputs, ExchangeRate
from invoices.kinds import CostBasis, Kind
from invoices.month import BilledMonth, bill, prove
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from tests.support.builders import (
    OCTOBER,
    book,
    charge,
    charges,
    client,
    fixed,
    inputs,
    markup,
    owns,
)

ANNA, SHARED, CORA, DORA, OURS = (digit * 12 for digit in "12345")

ROWS: list[dict[str, Any]] = [
    charge(ANNA, "400.00", region="eu-west-1"),
    charge(ANNA, "100.00", service="AmazonS3", usage="5000", unit="GB-Mo"),
    charge(ANNA, "-30.00", Kind.DISCOUNT_EDP),
    charge(ANNA, "95.00", Kind.TAX, tax_type="VAT"),
    charge(SHARED, "60.00", service_day=date(2018, 10, 15)),
    charge(SHARED, "80.00", service_day=date(2018, 10, 16)),
    charge(SHARED, "-4.00", Kind.REFUND, service_day=date(2018, 9, 30)),
    charge(
        CORA,
        "250.00",
        Kind.FEE,
        service="firewall-1",
        billing_entity="AWS Marketplace",
        seller="Example Software Inc",
        description_key="Firewall, one month",
    ),
    charge(CORA, "-50.00", Kind.CREDIT, description_key="Promotional credit"),
    charge(DORA, "10.00"),
    charge(OURS, "33.00"),
]

STANDARD = book(
    markup("10"),
    markup("0", "Marketplace is passed on", billing_entity="AWS Marketplace"),
    markup("7.5", "EC2 in Europe", service="AmazonEC2", region="eu-*"),
    fixed("0.024", "S3 by the gigabyte", service="AmazonS3"),
    cost_basis=CostBasis.NET_BILLED,
    credits_passed_percent=Decimal(50),
    discounts_passed_percent={Kind.DISCOUNT_EDP: Decimal(40)},
)
CUSTOM = [
    CustomLineItem(
        "support",
        ClientKey("anna"),
        CustomKind.FEE,
        "Managed services",
        Percentage(Decimal(3), PercentOf.PRICE, minimum=Decimal(25)),
        OCTOBER,
    ),
    CustomLineItem(
        "welcome", ClientKey("bell"), CustomKind.CREDIT, "Welcome", Flat(Decimal(5)), OCTOBER
    ),
]


def october(dora_book: str = "standard") -> BillingInputs:
    return inputs(
        owns("anna", ANNA),
        owns("anna", SHARED, date(2018, 1, 1), date(2018, 10, 16)),
        owns("bell", SHARED, date(2018, 10, 16)),
        owns("cora", CORA),
        owns("dora", DORA),
        clients=[
            client("anna", currency="EUR", tax=Tax(TaxCategory.REVERSE_CHARGE, vat_id="DE1")),
            client("bell", tax=Tax(TaxCategory.STANDARD, Decimal(23))),
            client("cora"),
            client("dora", price_book=dora_book),
        ],
        books=[STANDARD],
        internal=[OURS],
        custom=CUSTOM,
        rates=[ExchangeRate(OCTOBER, "USD", "EUR", Decimal("0.8706"), "ECB 2018-10-31")],
    )


def amounts(month: BilledMonth, key: str) -> dict[str, int]:
    (draft,) = [draft for draft in month.drafts if draft.client == key]
    return {line.description: line.amount_minor for line in draft.invoice.lines}


def test_dora_is_parked_until_her_price_book_is_there() -> None:
    parked = bill(charges(*ROWS), october(dora_book="forgotten"))

    assert [finding.code for finding in parked.findings] == ["price_book_missing"]
    assert [draft.client for draft in parked.drafts] == ["anna", "bell", "cora"]
    assert not prove(parked).closes
    assert prove(parked).difference == 0

    billed = bill(charges(*ROWS), october())

    assert [draft.client for draft in billed.drafts] == ["anna", "bell", "cora", "dora"]
    assert billed.drafts[:3] == parked.drafts


def test_anna_pays_in_euros_for_what_was_hers() -> None:
    month = bill(charges(*ROWS), october())

    # 400 x 1.075 = 430; 60 x 1.1 = 66; 5000 x 0.024 = 120; 40 % of -30 = -12; refund -4 x 1.1
    (anna, *_) = month.drafts
    assert anna.statement.price == Decimal("599.60")
    assert [(line.account_id[:1], line.amount_minor) for line in anna.invoice.lines] == [
        ("1", 374_36),  # 430.00 x 0.8706 = 374.358
        ("1", -10_45),  # -12.00 x 0.8706 = -10.4472
        ("1", 104_47),  # 120.00 x 0.8706 = 104.472
        ("2", 57_46),  # 66.00 x 0.8706 = 57.4596
        ("2", -3_83),  # -4.40 x 0.8706 = -3.83064
        ("", 25_00),  # 3 % of 522.01 is 15.66, less than the minimum
    ]
    assert anna.invoice.total_minor == 547_01  # 599.60 x 0.8706 + 25 = 547.01176
    assert anna.invoice.tax_lines[0].note.startswith("Reverse charge")


def test_bell_pays_from_the_sixteenth_with_tax() -> None:
    month = bill(charges(*ROWS), october())

    assert amounts(month, "bell") == {"Usage": 88_00, "Welcome": -5_00}
    assert month.drafts[1].invoice.total_minor == 102_09  # 83.00 + 23 % = 83.00 + 19.09


def test_cora_pays_the_marketplace_price_less_half_of_her_credit() -> None:
    month = bill(charges(*ROWS), october())

    assert amounts(month, "cora") == {
        "Firewall, one month (sold by Example Software Inc)": 250_00,
        "Promotional credit": -25_00,
    }


def test_the_month_closes_when_all_invoices_are_issued() -> None:
    month = bill(charges(*ROWS), october())
    issued = {
        draft.client: issue(draft.invoice, number=f"INV-{at:06}", issued_on=date(2018, 11, 5))
        for at, draft in enumerate(month.drafts, 1)
    }

    proof = prove(month, issued=issued)

    assert proof.closes
    assert proof.payer_total == Decimal("944.00")
    assert {total.client: total.cost for total in proof.clients} == {
        "anna": Decimal("544.00"),  # 400 + 100 - 12 + 60 - 4
        "bell": Decimal("80.00"),
        "cora": Decimal("225.00"),
        "dora": Decimal("10.00"),
    }
    assert proof.retained == {
        "aws_tax": Decimal("95.00"),
        "credits": Decimal("-25.00"),
        "discount_edp": Decimal("-18.00"),
        "internal_accounts": Decimal("33.00"),
    }
    assert 944 == 544 + 80 + 225 + 10 + 95 - 25 - 18 + 33


def test_a_late_charge_changes_only_the_draft_of_whom_it_concerns() -> None:
    before = bill(charges(*ROWS), october())
    late = charge(CORA, "1.00", service="AmazonRoute53")

    after = bill(charges(*ROWS, late), replace(october(), snapshot_id="snapshot-2"))

    changed = [
        new.client
        for old, new in zip(before.drafts, after.drafts, strict=True)
        if old.draft_id != new.draft_id
    ]
    assert changed == ["cora"]
    assert before.inputs_id != after.inputs_id
