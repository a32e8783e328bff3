"""Owns rating: every charge borne gets the rule that prices it, and its exact price."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from invoices.allocation.direct import BEARER
from invoices.allocation.leftover import BORNE_SCHEMA, UNITS
from invoices.charges import look_up
from invoices.clients import ClientKey
from invoices.matching import ACCOUNT, MATCHED
from invoices.pricing.book import FixedRate, Markup, PriceBook
from invoices.pricing.fixed import at_fixed_rate_e22, metered_e10, rate_e12
from invoices.pricing.markup import AT_COST_E6, factor_e6, marked_up_e22
from invoices.pricing.match import match_rules

PRICE_DIGITS = 22
"""Decimal places of an exact price: sixteen of the cost and six of a factor."""

RATED_SCHEMA = pl.Schema(
    {
        **BORNE_SCHEMA,
        "book": pl.String(),
        "rule": pl.Int64(),
        "fixed": pl.Boolean(),
        "metered_e10": UNITS,
        "price_e22": UNITS,
    }
)
"""`book` is '' and `rule` is NO_RULE on charges sold at their cost; `fixed` says that the price is
`metered_e10` times the rule's rate."""


def rate(borne: pl.DataFrame, books: Mapping[ClientKey, PriceBook]) -> pl.DataFrame:
    """Prices by each client's book; rules are matched once per distinct key, not per charge."""
    assert borne.schema == BORNE_SCHEMA
    by_client = pl.DataFrame(
        [(client, book.key) for client, book in books.items()],
        schema={BEARER: pl.String(), "book": pl.String()},
        orient="row",
    )
    charges = look_up(borne, by_client, on=[BEARER]).with_columns(pl.col("book").fill_null(""))
    by_key = {book.key: book for book in books.values()}
    on = ["book", *MATCHED]
    if any(ACCOUNT in rule.match.said for book in by_key.values() for rule in book.rules):
        on.append(ACCOUNT)
    rules = _matched(charges.select(on).unique(), by_key)
    rated = (
        look_up(charges, rules, on=on)
        .with_columns(
            pl.when("fixed")
            .then(at_fixed_rate_e22(pl.col("multiplier")))
            .otherwise(marked_up_e22(pl.col("multiplier")))
            .alias("price_e22"),
            metered_e10().alias("metered_e10"),
        )
        .select(RATED_SCHEMA.names())
    )
    assert rated.schema == RATED_SCHEMA
    assert rated["cost_e16"].sum() == borne["cost_e16"].sum(), "rating lost or invented cost"
    return rated


def _matched(keys: pl.DataFrame, books: Mapping[str, PriceBook]) -> pl.DataFrame:
    """Adds to the distinct keys the rule, whether it is a fixed rate, and what to multiply by."""
    found = match_rules(keys, {key: book.rules for key, book in books.items()})
    effects = {
        (key, index): _multiplier(rule.effect)
        for key, book in books.items()
        for index, rule in enumerate(book.rules)
    }
    priced = [
        effects.get(which, (False, AT_COST_E6)) for which in zip(keys["book"], found, strict=True)
    ]
    return keys.with_columns(
        pl.Series("rule", found, pl.Int64()),
        pl.Series("fixed", [fixed for fixed, _ in priced], pl.Boolean()),
        pl.Series("multiplier", [units for _, units in priced], pl.Int128()).cast(UNITS),
    )


def _multiplier(effect: Markup | FixedRate) -> tuple[bool, int]:
    match effect:
        case Markup():
            return False, factor_e6(effect.percent)
        case FixedRate():
            return True, rate_e12(effect.rate)
