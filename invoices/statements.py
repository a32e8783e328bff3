"""Owns the statement: a client's priced charges for a period as lines, each with its working."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from invoices.allocation.direct import SHARED
from invoices.allocation.leftover import NO_POLICY, SHARE_DIGITS
from invoices.clients import ClientKey
from invoices.kinds import MARKETPLACE, CostBasis, Kind
from invoices.line_names import DESCRIBED, WORDS, fixed_rate_name, line_name, shared_name
from invoices.money import COST_DIGITS, EXACT, CostAndPrice, exact_sum
from invoices.periods import BillingPeriod
from invoices.pricing.book import FixedRate, Match, PriceBook
from invoices.pricing.match import NO_RULE, described
from invoices.pricing.rating import PRICE_DIGITS, RATED_SCHEMA

REGISTRAR = "AmazonRegistrar"
AT_COST = "at cost"
"""The working's rule where no rule of the book matched."""


@dataclass(frozen=True, slots=True)
class Working:
    """How a part of a line came to its price. It never enters a document: it shows our margin."""

    rule: str
    price_book: str
    """The content id of the version; '' while a client has none."""
    cost_basis: CostBasis
    cost: Decimal
    price: Decimal
    line_type: str = ""
    """In words, what a person said of its line item type, which nobody knew; else ''."""
    attribution: str = ""
    """Why it is this client's, where the client had not the account then, or not all the time."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of an invoice, exact: `price` = `quantity` x `unit_price`.

    Its key is stable from month to month and unique in the statement.
    """

    key: str
    account_id: str
    service: str
    """AWS's code."""
    billing_entity: str
    """`AWS Marketplace` on what others sell there, else ''."""
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    cost: Decimal
    price: Decimal
    workings: tuple[Working, ...]
    currency: str
    """Of its prices. A fixed rate is in its book's, whatever AWS charges in."""
    cost_currency: str


@dataclass(frozen=True, slots=True)
class Statement:
    """All a client bears of a period. Lines stand by account, service and kind, usage first."""

    client: ClientKey
    period: BillingPeriod
    currency: str
    """The payer's."""
    lines: tuple[StatementLine, ...]
    cost: Decimal
    """In the payer's currency, as is `price`."""
    price: Decimal
    others: Mapping[str, CostAndPrice] = field(default_factory=dict)
    """By currency, what is borne and asked in others than the payer's."""

    @property
    def amounts(self) -> dict[str, CostAndPrice]:
        """By currency, the payer's first, be it nothing."""
        return {self.currency: CostAndPrice(self.cost, self.price), **self.others}


LineTypes = Mapping[tuple[str, str], str]
"""What a person said of a line item type, in words; by its name and the kind it is mapped to."""


def draw_up(
    rated: Mapping[str, pl.DataFrame],
    books: Mapping[str, PriceBook],
    *,
    period: BillingPeriod,
    line_types: LineTypes = MappingProxyType({}),
    shared: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Statement, ...]:
    """One statement per client that bears a charge, by client key.

    `rated` is by currency, the payer's first; `books` is by book key. Of `line_types`, the working
    of their charges tells. `shared` has, by the key of a group of shared costs, its words.
    """
    currency = next(iter(rated))
    parts = [
        _Part._make(row)
        for each, frame in rated.items()
        for row in _parts(frame, each, line_types).iter_rows()
    ]
    sold = _sold(books, currency)
    by_client = groupby(sorted(parts, key=attrgetter("client")), key=attrgetter("client"))
    statements = tuple(
        _statement(list(own), sold, shared, period=period, currency=currency)
        for _, own in by_client
    )
    for each, frame in rated.items():
        _assert_conserved(frame, [line for s in statements for line in s.lines], each)
    return statements


def _assert_conserved(rated: pl.DataFrame, lines: list[StatementLine], currency: str) -> None:
    cost_e16, price_e22 = rated.select(pl.col("cost_e16", "price_e22").sum()).row(0)
    left = [line for line in lines if line.cost_currency == currency]
    assert exact_sum(line.cost for line in left) == cost_e16.scaleb(-SHARE_DIGITS, EXACT)
    assert exact_sum(line.price for line in left) == price_e22.scaleb(-PRICE_DIGITS, EXACT)


class _Part(NamedTuple):
    """The charges of one line that one rule priced, summed. Fields are columns, in order.

    CostAndPrice are text (`12e-10`): that is the fastest exact way out of a frame.
    """

    client: ClientKey
    account_id: str
    service: str
    billing_entity: str
    kind: str
    seller: str
    tax_type: str
    description_key: str
    unit: str
    book: str
    rule: int
    fixed: bool
    line_type: str
    currency: str
    """Of the cost."""
    attribution: str
    shared: str
    metered: str
    cost: str
    price: str


_AMOUNTS = {
    "metered": ("metered_e10", COST_DIGITS),
    "cost": ("cost_e16", SHARE_DIGITS),
    "price": ("price_e22", PRICE_DIGITS),
}


_KEYS = [column for column in _Part._fields if column not in {*_AMOUNTS, "currency"}]


def _mapped(line_types: LineTypes) -> pl.Expr:
    """By the type's name, which is the description of an unknown charge and stays it."""
    words = pl.lit("")
    for (name, kind), said in line_types.items():
        is_of_it = (pl.col("description_key") == name) & (pl.col("kind") == kind)
        words = pl.when(is_of_it).then(pl.lit(said)).otherwise(words)
    return words


def _parts(rated: pl.DataFrame, currency: str, line_types: LineTypes) -> pl.DataFrame:
    """One row per part, sorted."""
    amounts = {
        name: pl.col(units).sum().cast(pl.String) + f"e-{digits}"
        for name, (units, digits) in _AMOUNTS.items()
    }
    return (
        _shown(rated, line_types)
        .group_by(_KEYS)
        .agg(**amounts)
        .sort(_KEYS)
        .with_columns(pl.lit(currency).alias("currency"))
        .select(_Part._fields)
        .collect()
    )


def _shown(rated: pl.DataFrame, line_types: LineTypes) -> pl.LazyFrame:
    """Row by row, with what a line does not show blanked."""
    assert rated.schema == RATED_SCHEMA
    blank = pl.lit("")
    negation = pl.col("kind") == Kind.SP_NEGATION.value
    sold_on = pl.col("billing_entity") == MARKETPLACE
    # A registrar's row is told apart by its domain, which only its description has:
    # `tests/unit/invoices/test_statements.py`,
    # `test_fees_credits_and_registrations_are_named_by_their_description`.
    named = sold_on | (pl.col("service") == REGISTRAR) | pl.col("kind").is_in(sorted(DESCRIBED))
    # AWS's words may tell what all together spend: "10% of monthly AWS usage", with the amount.
    named &= pl.col(SHARED) == ""
    return rated.lazy().with_columns(
        # A client sees what it used, at what that costs it, and no line in its favour of the same
        # size: `tests/unit/invoices/test_statements.py`,
        # `test_covered_usage_and_its_negation_are_one_line`.
        pl.when(negation).then(pl.lit(Kind.SP_USAGE.value)).otherwise("kind").alias("kind"),
        pl.when(sold_on).then("seller").otherwise(blank).alias("seller"),
        pl.when(sold_on).then("billing_entity").otherwise(blank).alias("billing_entity"),
        pl.when(named).then("description_key").otherwise(blank).alias("description_key"),
        pl.when("fixed").then("unit").otherwise(blank).alias("unit"),
        _mapped(line_types).alias("line_type"),
    )


def line_keys(
    rated: pl.DataFrame, books: Mapping[str, PriceBook], *, currency: str, payer_currency: str
) -> pl.Series:
    """For each rated charge, which are in `currency`, the key of the line it is on."""
    sold = _sold(books, payer_currency)
    keys = _shown(rated, MappingProxyType({})).select(_KEYS).collect()
    others = dict.fromkeys(_AMOUNTS, "0") | {"currency": currency}
    named = {}
    for row in keys.unique().iter_rows():
        values = dict(zip(_KEYS, row, strict=True)) | others
        part = _Part._make(values[name] for name in _Part._fields)
        named[row] = _named(part, sold, {}, payer_currency)[0]
    return pl.Series("line", [named[row] for row in keys.iter_rows()], pl.String())


class _Sold(NamedTuple):
    """How the charges of a part are sold: looked up once per rule, not per part."""

    rule: str
    price_book: str
    cost_basis: CostBasis
    fixed_rate: Decimal | None = None
    match: Match = Match()
    rate_currency: str = ""


_Books = Mapping[tuple[str, int], _Sold]


def _sold(books: Mapping[str, PriceBook], currency: str) -> _Books:
    sold = {("", NO_RULE): _Sold(AT_COST, "", NO_POLICY.basis)}
    for key, book in books.items():
        sold[key, NO_RULE] = _Sold(AT_COST, book.version, book.cost_basis)
        for index, rule in enumerate(book.rules):
            fixed_rate = rule.effect.rate if isinstance(rule.effect, FixedRate) else None
            label = rule.label or described(rule)
            sold[key, index] = _Sold(
                label,
                book.version,
                book.cost_basis,
                fixed_rate,
                rule.match,
                book.currency or currency,
            )
    return sold


def _statement(
    parts: list[_Part],
    sold: _Books,
    shared: Mapping[str, str],
    *,
    period: BillingPeriod,
    currency: str,
) -> Statement:
    lines: dict[tuple[str, str], list[_Part]] = {}
    for part in parts:
        lines.setdefault(_named(part, sold, shared, currency), []).append(part)
    assert len({key for key, _ in lines}) == len(lines), "two lines have one key"
    in_order = sorted(lines, key=lambda name: (_place(lines[name][0]), name))
    drawn_up = tuple(_line(*name, lines[name], sold) for name in in_order)
    found = {each for line in drawn_up for each in (line.cost_currency, line.currency)}
    own = _in(currency, drawn_up)
    return Statement(
        client=parts[0].client,
        period=period,
        currency=currency,
        lines=drawn_up,
        cost=own.cost,
        price=own.price,
        others={each: _in(each, drawn_up) for each in sorted(found - {currency})},
    )


def _in(currency: str, lines: Iterable[StatementLine]) -> CostAndPrice:
    every = tuple(lines)
    return CostAndPrice(
        exact_sum(line.cost for line in every if line.cost_currency == currency),
        exact_sum(line.price for line in every if line.currency == currency),
    )


def _place(part: _Part) -> tuple[str, str, int]:
    return part.account_id, part.service, _RANKS[part.kind]


_RANKS = {kind.value: rank for rank, kind in enumerate(WORDS)}


def _line(key: str, description: str, parts: list[_Part], sold: _Books) -> StatementLine:
    first = parts[0]
    workings = tuple(_working(part, sold) for part in parts)
    price = exact_sum(working.price for working in workings)
    how = sold[first.book, first.rule]
    currency, fixed_rate = first.currency, how.fixed_rate
    if fixed_rate is None:
        quantity, unit_price = Decimal(1), price
    else:
        currency = how.rate_currency
        quantity = exact_sum(Decimal(part.metered) for part in parts)
        unit_price = fixed_rate
    return StatementLine(
        key=key,
        account_id=first.account_id,
        service=first.service,
        billing_entity=first.billing_entity,
        description=description,
        quantity=quantity,
        unit=first.unit,
        unit_price=unit_price,
        cost=exact_sum(working.cost for working in workings),
        price=price,
        workings=workings,
        currency=currency,
        cost_currency=first.currency,
    )


def _working(part: _Part, sold: _Books) -> Working:
    how = sold[part.book, part.rule]
    return Working(
        rule=how.rule,
        price_book=how.price_book,
        cost_basis=how.cost_basis,
        cost=Decimal(part.cost),
        price=Decimal(part.price),
        line_type=part.line_type,
        attribution=part.attribution,
    )


def _named(part: _Part, sold: _Books, shared: Mapping[str, str], currency: str) -> tuple[str, str]:
    """The line's key and its description, neither of which may tell a client what it costs us.

    What AWS charges in another currency than the payer's has its own line.
    """
    if part.fixed:
        name = fixed_rate_name(sold[part.book, part.rule].match, part.unit)
    else:
        # The rule's label stays out of it: clients would read our margin:
        # `tests/unit/invoices/test_statements.py`,
        # `test_nothing_of_the_working_can_be_read_from_a_document`.
        name = line_name(part.kind, part.seller, part.tax_type, part.description_key)
    if part.shared:
        name = shared_name(name, part.shared, shared.get(part.shared, part.shared))
    slug, description = name
    if part.currency != currency:
        slug = f"{slug}-{part.currency or 'blank'}"
    return f"{part.account_id}/{part.service}/{slug}", description
