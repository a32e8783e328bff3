"""Owns invented months for property tests, and a slow, plain second opinion on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from invoices.clients import Assignment, Client, ClientKey
from invoices.inputs import BillingInputs, ExchangeRate
from invoices.kinds import DISCOUNTS, CostBasis, Kind
from invoices.pricing.book import MATCHED, FixedRate, Markup, Match, PriceBook, PricingRule
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from tests.support.builders import OCTOBER, book, charge, client, inputs, owns

ACCOUNTS = ["000000000001", "000000000002", "000000000003", "000000000004", "000000000005"]
CLIENTS = ["anna", "bell", "cora"]
DAYS = st.integers(-40, 70).map(lambda n: date(2018, 10, 1) + timedelta(days=n))

COSTS = st.one_of(
    st.decimals(-(10**3), 10**3, places=2),
    st.decimals(-1, 1, places=10),
    st.sampled_from(["0", "0.0000000001", "-0.0000000001", "9999999999999.9999999999"]),
).map(lambda cost: format(Decimal(cost), "f"))

CURRENCIES = st.sampled_from([*["USD"] * 8, "EUR", "JPY", ""])

PERCENTS = st.one_of(
    st.sampled_from([Decimal(0), Decimal(50), Decimal(100)]), st.decimals(0, 100, places=4)
)
EFFECTS = st.one_of(
    st.decimals(-100, 300, places=4).map(Markup),
    st.decimals(0, 5, places=12).map(FixedRate),
)
MATCHES = st.builds(
    Match,
    service=st.sampled_from(["*", "*", "AmazonEC2", "Amazon*", "AWS*"]),
    region=st.sampled_from(["*", "*", "eu-*", "eu-west-?", "us-east-1"]),
    kind=st.sampled_from(["*", "*", "*", "usage", "discount_*", "tax", "sp_*"]),
)


@st.composite
def charges(draw: st.DrawFn) -> dict[str, Any]:
    measures = ["net_billed_cost", "amortized_cost", "net_amortized_cost", "blended_cost"]
    return charge(
        draw(st.sampled_from(ACCOUNTS)),
        draw(COSTS),
        draw(st.sampled_from([*Kind, Kind.USAGE, Kind.USAGE, Kind.SP_USAGE])),
        service=draw(st.sampled_from(["AmazonEC2", "AmazonS3", "AWSLambda"])),
        region=draw(st.sampled_from(["eu-west-1", "us-east-1", ""])),
        service_day=draw(DAYS),
        description_key=draw(st.sampled_from(["", "Domain renewal"])),
        billing_entity=draw(st.sampled_from(["AWS", "AWS", "AWS Marketplace"])),
        unit=draw(st.sampled_from(["Hrs", "GB"])),
        currency=draw(CURRENCIES),
        usage=draw(COSTS),
        list_cost=draw(COSTS),
        **{measure: draw(COSTS) for measure in measures},
    )


@st.composite
def rosters(draw: st.DrawFn) -> list[Assignment]:
    """Some accounts have one client, some move, some have gaps, some have nobody."""
    assignments = []
    for account in ACCOUNTS:
        cuts = sorted(draw(st.sets(st.integers(0, 30), max_size=4)))
        days = [date(2018, 9, 25) + timedelta(days=cut if cut else -300) for cut in cuts]
        ends: list[date | None] = [*days[1:], None]
        for start, end in zip(days, ends, strict=False):
            owner = draw(st.sampled_from([*CLIENTS, *CLIENTS, None]))
            if owner is not None:
                assignments.append(owns(owner, account, start, end))
    return assignments


@st.composite
def books(draw: st.DrawFn, key: str) -> PriceBook:
    rules = draw(
        st.lists(
            st.builds(PricingRule, MATCHES, EFFECTS),
            min_size=draw(st.sampled_from([0, 3])),
            max_size=6,
        )
    )
    return book(
        *rules,
        key=key,
        cost_basis=draw(st.sampled_from(CostBasis)),
        credits_passed_percent=draw(PERCENTS),
        aws_tax_passed_percent=draw(PERCENTS),
        discounts_passed_percent=draw(st.dictionaries(st.sampled_from(DISCOUNTS), PERCENTS)),
        currency=draw(st.sampled_from(["", "", "EUR"])),
    )


CUSTOM = st.builds(
    CustomLineItem,
    key=st.sampled_from("abcd"),
    client=st.sampled_from(CLIENTS),
    kind=st.sampled_from(CustomKind),
    description=st.just("Managed services"),
    charge=st.one_of(
        st.builds(Flat, st.decimals(0, 1000, places=3)),
        st.builds(Percentage, st.decimals(0, 20, places=2), st.sampled_from(PercentOf)),
    ),
    start=st.just(OCTOBER),
)


@dataclass(frozen=True)
class Month:
    rows: list[dict[str, Any]]
    inputs: BillingInputs


@st.composite
def months(draw: st.DrawFn) -> Month:
    """`thin` has no price book, a pair of currencies no or one rate: some are parked in some."""
    clients: list[Client] = [
        client(
            key,
            price_book=draw(st.sampled_from(["one", "one", "two", "two", "thin"])),
            currency=draw(st.sampled_from(["USD", "USD", "EUR", "JPY", "KWD"])),
        )
        for key in CLIENTS
    ]
    pairs = [
        ("USD", currency)
        for currency in draw(st.sampled_from([["EUR", "JPY", "KWD"], ["JPY", "KWD"], ["KWD"]]))
    ]
    for given_in in draw(st.sampled_from([[], ["EUR"], ["EUR", "JPY"]])):
        pairs += [(given_in, to) for to in ("EUR", "JPY", "KWD", "USD") if to != given_in]
    rates = [
        ExchangeRate(OCTOBER, *pair, draw(st.decimals("0.1", 200, places=4)), "test")
        for pair in pairs
    ]
    given = inputs(
        *draw(rosters()),
        clients=clients,
        books=[draw(books("one")), draw(books("two"))],
        internal=draw(st.sets(st.sampled_from(ACCOUNTS[-1:]))),
        custom=draw(st.lists(CUSTOM, max_size=3, unique_by=lambda item: (item.client, item.key))),
        rates=sorted(rates, key=lambda rate: (rate.from_currency, rate.to_currency)),
    )
    return Month(
        draw(st.lists(charges(), min_size=draw(st.sampled_from([0, 5, 10])), max_size=15)), given
    )


def bill_currency(rows: list[dict[str, Any]]) -> str:
    """AWS's own most frequent one, then all's, then dollars; a blank last."""
    counts = Counter(row["currency"] for row in rows)
    of_aws = Counter(row["currency"] for row in rows if row["billing_entity"] == "AWS")
    return min(
        counts, key=lambda c: (c == "", -of_aws[c], -counts[c], c != "USD", c), default="USD"
    )


def second_opinion(month: Month) -> dict[tuple[str, str], tuple[Fraction, Fraction]]:
    """Cost and price by client and currency, charge by charge, in fractions.

    A fixed rate is in its book's currency, else the bill's, whatever the charge is in.
    """
    nothing = (Fraction(0), Fraction(0))
    found: dict[tuple[str, str], tuple[Fraction, Fraction]] = defaultdict(lambda: nothing)
    own = bill_currency(month.rows)
    book_of = {each.key: each.price_book for each in month.inputs.clients}
    for row in month.rows:
        owner = _owner(row, month.inputs)
        if owner is None or row["kind"] == Kind.UNKNOWN:
            continue
        priced_by = month.inputs.price_books.get(book_of[owner], _AT_COST)
        share = Fraction(priced_by.passed_percent(Kind(row["kind"]))) / 100
        if share:
            is_fixed = isinstance(_effect(row, priced_by), FixedRate)
            priced_in = (priced_by.currency or own) if is_fixed else row["currency"]
            cost, price = found[owner, row["currency"]]
            found[owner, row["currency"]] = (cost + share * _cost(row, priced_by), price)
            cost, price = found[owner, priced_in]
            found[owner, priced_in] = (cost, price + _price(row, priced_by, share))
    return dict(found)


LIST_HAS_NONE_OF = {
    *("sp_negation", "ri_fee", "ri_upfront", "sp_fee", "sp_upfront", "commitment_share"),
}

_AT_COST = book(
    cost_basis=CostBasis.NET_BILLED,
    credits_passed_percent=Decimal(100),
    aws_tax_passed_percent=Decimal(100),
)


def _owner(row: dict[str, Any], given: BillingInputs) -> ClientKey | None:
    if row["account_id"] in given.internal_accounts:
        return None
    day = row["service_day"]
    nearest = min(max(day, date(2018, 10, 1)), date(2018, 10, 31))
    owner = given.roster.client_of(row["account_id"], day) or given.roster.client_of(
        row["account_id"], nearest
    )
    of_its_day = row["kind"] in {"usage", "ri_usage", "sp_usage", "sp_negation"} and day == nearest
    if owner is not None or of_its_day:
        return owner
    away = [
        ((nearest - each.span.end).days + 1, 0, each.client)
        if each.span.end is not None and each.span.end <= nearest
        else ((each.span.start - nearest).days, 1, each.client)
        for each in given.roster.assignments
        if each.account_id == row["account_id"]
    ]
    return min(away)[2] if away else None


def _cost(row: dict[str, Any], priced_by: PriceBook) -> Fraction:
    basis = priced_by.cost_basis
    column = "net_amortized" if basis is CostBasis.LIST else basis.value
    return Fraction(row[f"{column}_cost"])


def _price(row: dict[str, Any], priced_by: PriceBook, share: Fraction) -> Fraction:
    kind = row["kind"]
    start = _cost(row, priced_by)
    if priced_by.cost_basis is CostBasis.LIST:
        if kind in {"usage", "ri_usage", "sp_usage"}:
            start = Fraction(row["list_cost"]) or start
        elif kind in LIST_HAS_NONE_OF:
            start = Fraction(0)
    match _effect(row, priced_by):
        case Markup(percent):
            return share * start * (1 + Fraction(percent) / 100)
        case FixedRate(rate):
            return Fraction(0) if kind == "sp_negation" else Fraction(row["usage"]) * Fraction(rate)
    return share * start


def _effect(row: dict[str, Any], priced_by: PriceBook) -> Markup | FixedRate | None:
    best: PricingRule | None = None
    for rule in priced_by.rules:
        if _matches(rule, row) and (best is None or _says(rule) > _says(best)):
            best = rule
    return best.effect if best else None


def _matches(rule: PricingRule, row: dict[str, Any]) -> bool:
    kind = "sp_usage" if row["kind"] == "sp_negation" else row["kind"]
    metered = kind in {"usage", "ri_usage", "sp_usage"}
    untouched = kind in {"tax", "credit"} or kind.startswith("discount")
    if rule.match.kind == "*":
        touched = metered if isinstance(rule.effect, FixedRate) else not untouched
        if not touched:
            return False
    values = row | {"kind": kind}
    return all(fnmatchcase(values[key], getattr(rule.match, key)) for key in MATCHED)


def _says(rule: PricingRule) -> tuple[int, int, int]:
    said = [glob for key in MATCHED if (glob := getattr(rule.match, key)) != "*"]
    globs = [glob for glob in said if set(glob) & set("*?")]
    return len(said) - len(globs), len(globs), sum(len(glob.replace("*", "")) for glob in globs)
