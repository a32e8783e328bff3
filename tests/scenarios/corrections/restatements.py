"""Owns twelve ways in which an issued month is restated: what a client's rows were, and are then.

Three ways concern two clients. German clients owe 19 % of tax; each amount is worked out beside
its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.bills.ingest_builders import Row, line

GERMAN: dict[str, Any] = {"tax": {"category": "standard", "rate_percent": "19"}}
NO_TAX: dict[str, Any] = {}
MORE, LESS = "supplementary_invoice", "credit_note"
EC2, SUPPORT, SOFTWARE = "AmazonEC2/usage", "AWSSupportBusiness", "5x7contract"
RESERVED = "arn:aws:ec2:eu-west-1:100000000007:reserved-instances/"
MONTH_LONG = {
    "line_item_usage_start_date": "2026-10-01T00:00:00.000Z",
    "line_item_usage_end_date": "2026-11-01T00:00:00.000Z",
}
ON_MARKETPLACE = {
    "line_item_product_code": SOFTWARE,
    "bill_billing_entity": "AWS Marketplace",
    "line_item_legal_entity": "Datenhaus SAS",
    "bill_bill_type": "Purchase",
}


@dataclass(frozen=True, kw_only=True)
class Restated:
    """A client whose month was one sum and is another; figures are what its documents come to."""

    client: str
    account: str
    first: list[Row]
    later: list[Row]
    was: str
    """With tax."""
    is_now: dict[str, str]
    """By key of a line, as `_short` has it; and its tax."""
    proposed: tuple[str, str] | None
    """The type of the one document that corrects it, and its total with tax."""
    agreed: dict[str, Any] = field(default_factory=dict)
    """Of its price book."""
    terms: dict[str, Any] = field(default_factory=lambda: GERMAN)


def ways() -> Iterator[Restated]:
    # 40.333 and 5 % are 42.34965: 42.35, tax 8.05. A refund is sold as what it refunds is:
    # 3.07 and 5 % are 3.2235, so 39.12615 are left: 39.13, tax 7.43, 46.56 of 50.40.
    yield Restated(
        client="refund",
        account="100000000001",
        first=[line("40.333")],
        later=[line("40.333"), line("-3.07", "Refund", bill_bill_type="Refund")],
        was="50.40",
        is_now={EC2: "42.35", "AmazonEC2/refund": "-3.22", "tax": "7.43"},
        proposed=(LESS, "3.84"),
        agreed={"rules": [{"match": {}, "markup_percent": "5"}]},
    )
    # 100.01 and 10 % at 0.87065 are 95.78107715: 95.78, tax 18.20. With 7.77 of the 30th of
    # September, 118.558 are 103.2225227: 103.22, tax 19.61, 122.83.
    late = {"line_item_usage_start_date": "2026-09-30T22:00:00.000Z"}
    yield Restated(
        client="late_usage",
        account="100000000002",
        first=[line("100.01")],
        later=[line("100.01"), line("7.77", **late)],
        was="113.98",
        is_now={EC2: "103.22", "tax": "19.61"},
        proposed=(MORE, "8.85"),
        agreed={"rules": [{"match": {}, "markup_percent": "10"}]},
        terms=GERMAN | {"currency": "EUR"},
    )
    # 52.50, tax 9.975: 9.98. Less 12.50, which no mark-up raises, 40.00, tax 7.60.
    yield Restated(
        client="credit_granted",
        account="100000000003",
        first=[line("50")],
        later=[line("50"), line("-12.5", "Credit")],
        was="62.48",
        is_now={EC2: "52.50", "AmazonEC2/credit": "-12.50", "tax": "7.60"},
        proposed=(LESS, "14.88"),
        agreed={"credits": "pass_through", "rules": [{"match": {}, "markup_percent": "5"}]},
    )
    yield from credit_moved()
    yield from more_ways()


def more_ways() -> Iterator[Restated]:
    # AWS's own tax, passed on as it is: 40.00 and 8.40, then 7.60.
    tax = {"line_item_tax_type": "VAT"}
    yield Restated(
        client="tax_corrected",
        account="100000000005",
        first=[line("40"), line("8.40", "Tax", **tax)],
        later=[line("40"), line("7.60", "Tax", **tax)],
        was="48.40",
        is_now={EC2: "40.00", "AmazonEC2/tax": "7.60", "tax": "0.00"},
        proposed=(LESS, "0.80"),
        agreed={"aws_tax": "pass_through"},
        terms=NO_TAX,
    )
    yield from account_moved()
    yield from reservation_exchanged()
    # 10 % of 2,000.10 are 200.01: 2,200.11, tax 418.02. Of 2,345.67 they are 234.567: in all
    # 2,580.237, so 2,580.24, tax 490.25 (490.2456), 3,070.49. What AWS asks is not passed on.
    support = MONTH_LONG | {"line_item_product_code": SUPPORT}
    yield Restated(
        client="support_recomputed",
        account="100000000008",
        first=[line("2000.10"), line("150", "Fee", **support)],
        later=[line("2345.67"), line("175.90", "Fee", **support)],
        was="2618.13",
        is_now={EC2: "2345.67", f"{SUPPORT}/fee": "234.57", "tax": "490.25"},
        proposed=(MORE, "452.36"),
        agreed={"support": {"mode": "recompute", "plan": "business"}},
    )
    yield agreement_cancelled()
    # Half of the discount is passed on: 190.00, tax 36.10. Of 33.33 that is 16.665: 183.335 are
    # 183.34, tax 34.83, 218.17.
    yield Restated(
        client="private_rate_corrected",
        account="100000000010",
        first=[line("200"), line("-20", "PrivateRateDiscount")],
        later=[line("200"), line("-33.33", "PrivateRateDiscount")],
        was="226.10",
        is_now={EC2: "200.00", "AmazonEC2/discount_private_rate": "-16.66", "tax": "34.83"},
        proposed=(LESS, "7.93"),
        agreed={"discounts": {"private_rate": {"share_percent": "50"}}},
    )
    yield from invoice_reissued()
    # 40.00 are 38.00: at the end of this file, all are what they were.
    yield Restated(
        client="restated_back",
        account="100000000012",
        first=[line("40")],
        later=[line("38")],
        was="47.60",
        is_now={EC2: "38.00", "tax": "7.22"},
        proposed=(LESS, "2.38"),
    )


def agreement_cancelled() -> Restated:
    # 1,200.00 and 3 %, and 10.00: 1,246.00, tax 236.74. Of the agreement 1,100.00 come back, with
    # their 3 %: 1,236.00 less 1,133.00, and 10.00: 113.00, tax 21.47, 134.47.
    bought = line("1200", "Fee", bill_invoice_id="MP1", **ON_MARKETPLACE)
    returned = ON_MARKETPLACE | {"bill_bill_type": "Refund"}
    cancelled = line("-1100", "Refund", bill_invoice_id="MP2", **returned)
    return Restated(
        client="agreement_cancelled",
        account="100000000009",
        first=[line("10"), bought],
        later=[line("10"), bought, cancelled],
        was="1482.74",
        is_now={
            EC2: "10.00", f"{SOFTWARE}/fee": "1236.00", f"{SOFTWARE}/refund": "-1133.00",
            "tax": "21.47",
        },
        proposed=(LESS, "1348.27"),
        agreed={"rules": [{"match": {"billing_entity": "AWS Market*"}, "markup_percent": "3"}]},
    )  # fmt: skip


def credit_moved() -> Iterator[Restated]:
    """AWS applied 30.00 to one account, and 18.25 of it should have been another's.

    80.00 less 30.00, tax 9.50, is less 11.75: 68.25, tax 12.97, 21.72 more. 60.00, tax 11.40, is
    less 18.25: 41.75, tax 7.93, 21.72 less.
    """
    passed = {"credits": "pass_through"}
    yield Restated(
        client="credit_lost",
        account="100000000004",
        first=[line("80"), line("-30", "Credit")],
        later=[line("80"), line("-11.75", "Credit")],
        was="59.50",
        is_now={EC2: "80.00", "AmazonEC2/credit": "-11.75", "tax": "12.97"},
        proposed=(MORE, "21.72"),
        agreed=passed,
    )
    yield Restated(
        client="credit_gained",
        account="200000000004",
        first=[line("60")],
        later=[line("60"), line("-18.25", "Credit")],
        was="71.40",
        is_now={EC2: "60.00", "AmazonEC2/credit": "-18.25", "tax": "7.93"},
        proposed=(LESS, "21.72"),
        agreed=passed,
    )


MOVED = "300000000006"
"""It went from `account_left` to `account_joined`, in November as was said, or on `MOVED_ON`."""
SAID, MOVED_ON = "2026-11-01", "2026-10-17"


def account_moved() -> Iterator[Restated]:
    """10.00 of the 5th stay, 31.11 of the 20th go: 61.11, tax 11.61, are 30.00, tax 5.70."""
    there = {"line_item_usage_account_id": MOVED}
    late = there | {"line_item_usage_start_date": "2026-10-20T07:00:00.000Z"}
    rows = [line("20"), line("10", **there), line("31.11", **late)]
    yield Restated(
        client="account_left",
        account="100000000006",
        first=rows,
        later=rows,
        was="72.72",
        is_now={EC2: "20.00", f"{MOVED}/{EC2}": "10.00", "tax": "5.70"},
        proposed=(LESS, "37.02"),
    )
    yield Restated(
        client="account_joined",
        account="200000000006",
        first=[line("5")],
        later=[line("5")],
        was="5.00",
        is_now={EC2: "5.00", f"{MOVED}/{EC2}": "31.11", "tax": "0.00"},
        proposed=(MORE, "31.11"),
        terms=NO_TAX,
    )


def reservation_exchanged() -> Iterator[Restated]:
    """A reservation of 744 hours at 0.10 was exchanged on the 16th for one at 0.15 an hour.

    First its owner uses 200 hours and its friend 500; 44 are unused. Then, of 360 hours at 0.10,
    they use 100 and 240, and 20 are unused; of 384 at 0.15, 84 and 300. So the owner's 20.00 and
    4.40 are 10.00 + 12.60 and 2.00, and the friend's 50.00 are 24.00 + 45.00: 74.40 paid are 93.60.
    Tax of 24.40 is 4.64, of 24.60 4.67; of 50.00 9.50, of 69.00 13.11.
    """
    amortized = {"cost_basis": "amortized"}
    yield Restated(
        client="exchange_owner",
        account="100000000007",
        first=[reserved("a", "20"), reservation_fee("a", "74.40", unused="4.40")],
        later=[
            reserved("a", "10"),
            reserved("b", "12.60"),
            reservation_fee("a", "36", unused="2"),
            reservation_fee("b", "57.60"),
        ],
        was="29.04",
        is_now={"AmazonEC2/ri_usage": "22.60", "AmazonEC2/ri_fee": "2.00", "tax": "4.67"},
        proposed=(MORE, "0.23"),
        agreed=amortized,
    )
    yield Restated(
        client="exchange_friend",
        account="200000000007",
        first=[reserved("a", "50")],
        later=[reserved("a", "24"), reserved("b", "45")],
        was="59.50",
        is_now={"AmazonEC2/ri_usage": "69.00", "tax": "13.11"},
        proposed=(MORE, "22.61"),
        agreed=amortized,
    )


def reserved(which: str, effective: str) -> Row:
    of = {"reservation_reservation_a_r_n": RESERVED + which}
    return line("0", "DiscountedUsage", reservation_effective_cost=effective, **of)


def reservation_fee(which: str, paid: str, unused: str = "0") -> Row:
    row = MONTH_LONG | {
        "reservation_reservation_a_r_n": RESERVED + which,
        "reservation_unused_recurring_fee": unused,
        "reservation_unused_amortized_upfront_fee_for_billing_period": "0",
        "reservation_amortized_upfront_fee_for_billing_period": "0",
    }
    return line(paid, "RIFee", **row)


def invoice_reissued() -> Iterator[Restated]:
    """AWS takes invoice 1 back by invoice 2, and asks for it again by invoice 3.

    75.00 and 7 % are 80.25, tax 15.25. Reissued with 71.25, they are 76.2375: 76.24, tax 14.49,
    90.73. Reissued as it was, taken back by a refund, its lines differ and its sum does not:
    nothing is proposed, and the documents stay.
    """
    agreed = {"rules": [{"match": {}, "markup_percent": "7"}]}
    back = {"bill_invoice_id": "2", "bill_bill_type": "Refund"}
    yield Restated(
        client="reissued_lower",
        account="100000000011",
        first=[line("75")],
        later=[line("75"), line("-75", **back), line("71.25", bill_invoice_id="3")],
        was="95.50",
        is_now={EC2: "76.24", "tax": "14.49"},
        proposed=(LESS, "4.77"),
        agreed=agreed,
    )
    yield Restated(
        client="reissued_alike",
        account="200000000011",
        first=[line("75")],
        later=[line("75"), line("-75", "Refund", **back), line("75", bill_invoice_id="3")],
        was="95.50",
        is_now={EC2: "80.25", "tax": "15.25"},
        proposed=None,
        agreed=agreed,
    )


WAYS = {each.client: each for each in ways()}
