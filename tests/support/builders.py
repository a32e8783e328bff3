"""Owns short makers for tests: one line per fact, the rest is what does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.charges import KEYS, MEASURES, SCHEMA, Charges
from invoices.clients import AccountId, Address, Assignment, Client, ClientKey, Roster, Tax
from invoices.documents.invoice import Seller
from invoices.inputs import BillingInputs, ExchangeRate
from invoices.kinds import CostBasis, Kind
from invoices.money import Rounding
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.book import FixedRate, Markup, Match, PriceBook, PricingRule
from invoices.pricing.custom import CustomLineItem

PAYER = AccountId("836060457634")
OCTOBER = BillingPeriod(2018, 10)
ADDRESS = Address(street="1 Main Street", city="Springfield", postcode="12345", country="US")
SELLER = Seller(key="example", name="Example Cloud Ltd", address=ADDRESS, tax_id="IE6388047V")


def charge(
    account_id: str, billed: str, kind: Kind = Kind.USAGE, **other: str | date
) -> dict[str, Any]:
    """A charge whose costs all are `billed` unless named: `amortized_cost="5"`."""
    cost = Decimal(billed)
    row: dict[str, Any] = {
        **dict.fromkeys(KEYS, ""),
        **dict.fromkeys(MEASURES, cost),
        "payer_account_id": PAYER,
        "account_id": account_id,
        "billing_period": str(OCTOBER),
        "service_day": date(2018, 10, 15),
        "billing_entity": "AWS",
        "currency": "USD",
        "kind": kind.value,
        "service": "AmazonEC2",
        "usage": Decimal(0),
        "trueup": Decimal(0),
        "upfront": Decimal(0),
    }
    unknown = set(other) - set(row)
    assert not unknown, f"a charge has no {unknown}"
    amounts = {name: Decimal(str(other[name])) for name in MEASURES if name in other}
    return row | other | amounts


def frame(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def charges(*rows: Mapping[str, Any]) -> Charges:
    return Charges.of(frame(*rows))


def client(key: str, **other: Any) -> Client:
    """A client that pays in dollars, without tax, by the price book `standard`."""
    known: dict[str, Any] = {
        "key": ClientKey(key),
        "name": key.title(),
        "currency": "USD",
        "address": ADDRESS,
        "tax": Tax(),
        "price_book": "standard",
    }
    return Client(**(known | other))


def book(*rules: PricingRule, key: str = "standard", **other: Any) -> PriceBook:
    """A price book on billed cost that passes nothing it need not pass."""
    known: dict[str, Any] = {
        "version": f"{key}-1",
        "start": BillingPeriod(2018, 1),
        "cost_basis": CostBasis.BILLED,
    }
    return PriceBook(key=key, rules=rules, **(known | other))


def markup(percent: str, label: str = "", **match: str) -> PricingRule:
    return PricingRule(Match(**match), Markup(Decimal(percent)), label)


def fixed(rate: str, label: str = "", **match: str) -> PricingRule:
    return PricingRule(Match(**match), FixedRate(Decimal(rate)), label)


def owns(
    key: str, account_id: str, start: date = date(2018, 1, 1), end: date | None = None
) -> Assignment:
    return Assignment(AccountId(account_id), ClientKey(key), DaySpan(start, end))


def inputs(
    *assignments: Assignment,
    clients: Iterable[Client] | None = None,
    books: Iterable[PriceBook] | None = None,
    internal: Iterable[str] = (),
    custom: Iterable[CustomLineItem] = (),
    rates: Iterable[ExchangeRate] = (),
    rounding: Rounding = Rounding.HALF_UP,
) -> BillingInputs:
    """October 2018 of PAYER; by default a plain client for every key in the roster, at cost."""
    keys = sorted({assignment.client for assignment in assignments})
    return BillingInputs(
        payer_account_id=PAYER,
        period=OCTOBER,
        snapshot_id="snapshot-1",
        seller=SELLER,
        rounding=rounding,
        clients=tuple(clients if clients is not None else [client(key) for key in keys]),
        roster=Roster.of(assignments),
        internal_accounts=frozenset(AccountId(account) for account in internal),
        price_books={each.key: each for each in (books if books is not None else [book()])},
        custom_line_items=tuple(custom),
        exchange_rates=tuple(rates),
        account_names={},
    )


RESERVATION = "arn:aws:ec2:us-east-1:aaaaaaaaaaaa:reserved-instances/r-1"
SAVINGS_PLAN = "arn:aws:savingsplans::aaaaaaaaaaaa:savingsplan/s-1"


def commitments() -> list[dict[str, Any]]:
    """The worked month: each letter is a client with the account of twelve such letters.

    A owns a reservation (upfront 1,200 for a year, 50 a month), used by A and B, and a savings
    plan (upfront 600 for a year, 70 a month), used by A and C; of each 30 remain unused.
    """
    a, b, c = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"
    zero = {"list_cost": "0"}
    ri, sp = {"commitment_id": RESERVATION}, {"commitment_id": SAVINGS_PLAN}
    return [
        charge(a, "1200", Kind.RI_UPFRONT, **ri, **zero, **_amortized("0"), upfront="1200"),
        charge(a, "50", Kind.RI_FEE, **ri, **zero, **_amortized("30"), trueup="-100"),
        charge(a, "600", Kind.SP_UPFRONT, **sp, **zero, **_amortized("0"), upfront="600"),
        charge(a, "70", Kind.SP_FEE, **sp, **zero, **_amortized("30"), trueup="-50"),
        charge(a, "0", Kind.RI_USAGE, **ri, list_cost="112", **_amortized("75")),
        charge(b, "0", Kind.RI_USAGE, **ri, list_cost="72", **_amortized("45")),
        charge(a, "52", Kind.SP_USAGE, **sp, **_amortized("30")),
        charge(a, "-52", Kind.SP_NEGATION, **sp, **zero, **_amortized("0")),
        charge(c, "88", Kind.SP_USAGE, **sp, **_amortized("60")),
        charge(c, "-88", Kind.SP_NEGATION, **sp, **zero, **_amortized("0")),
        charge(b, "10"),
        charge(b, "2", Kind.TAX, **zero),
        charge(c, "-5", Kind.CREDIT, **zero),
    ]


def _amortized(amortized: str) -> dict[str, Any]:
    return {"amortized_cost": amortized, "net_amortized_cost": amortized}


A_B_C = [owns(key, key * 12) for key in "abc"]
