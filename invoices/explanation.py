"""Owns the explanation of an invoice's line: its charges, who priced them how, and each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from invoices.allocation.direct import ATTRIBUTION, BEARER
from invoices.allocation.leftover import SHARE_DIGITS
from invoices.charges import Charges
from invoices.clients import ClientKey
from invoices.documents.invoice import Exchange, Invoice, InvoiceLine
from invoices.inputs import BillingInputs
from invoices.matching import ACCOUNT, MATCHED
from invoices.money import COST_DIGITS, EXACT, exact_sum, from_minor, plain
from invoices.month import books_by_client, rate_month
from invoices.periods import BillingPeriod
from invoices.pricing.book import FixedRate, Markup, PricingRule
from invoices.pricing.custom import CustomCharge, CustomLineItem, Flat, Percentage, charged_items
from invoices.pricing.markup import AT_COST_E6, factor_e6, start_e16
from invoices.pricing.match import described, matching_rules
from invoices.pricing.rating import PRICE_DIGITS
from invoices.pricing.spend import Counts, MaximumSpend, MinimumSpend, Prepaid
from invoices.statements import AT_COST, StatementLine, line_keys


@dataclass(frozen=True, slots=True)
class ExplainedCharge:
    """Charges alike in all that a rule can match, summed over the client's days."""

    of: Mapping[str, str]
    """What rules match it by, and its `description`."""
    usage: Decimal
    unit: str
    cost: Decimal
    """Of the client's cost basis; what is passed of it."""
    currency: str
    rule: str
    others: tuple[str, ...]
    """Rules that match it too, the next best first, and lost."""
    price: Decimal
    arithmetic: str
    attribution: str
    """Why it is this client's, where the client had not the account then, or not all the time."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """It never enters a document: it shows our margin."""

    line: InvoiceLine
    price_book: str
    """Key and version; '' of a custom line item, and while a client has none."""
    cost_basis: str
    charges: tuple[ExplainedCharge, ...]
    steps: tuple[str, ...]
    """From the exact price to the amount on the document, in words."""


def explain_charges(
    line: StatementLine, charges: Charges, inputs: BillingInputs, *, invoice: Invoice
) -> Explanation:
    """The month is rated again from its own inputs, and has to come to the line's price."""
    client = ClientKey(invoice.buyer.key)
    book = books_by_client(inputs).get(client)
    month = rate_month(charges, inputs)
    payer_currency = next(iter(month.rated))
    frame = month.rated[line.cost_currency].filter(pl.col(BEARER) == client)
    keys = line_keys(
        frame, inputs.price_books, currency=line.cost_currency, payer_currency=payer_currency
    )
    own = frame.with_columns(start_e16().alias("start_e16")).filter(keys == line.key)
    explained = tuple(
        _charge(row, line, book.rules if book else ())
        for row in own.sort(*MATCHED, "description_key").iter_rows(named=True)
    )
    assert exact_sum(each.price for each in explained) == line.price, "it was billed otherwise"
    return Explanation(
        line=_on(invoice, line.key),
        price_book=f"{book.key} {book.version}" if book else "",
        cost_basis=line.workings[0].cost_basis,
        charges=explained,
        steps=tuple(_steps(line.price, line.currency, invoice, line.key)),
    )


def explain_custom(
    charge: CustomCharge, item: CustomLineItem | None, *, invoice: Invoice
) -> Explanation:
    """`item` is what the month's inputs have of it."""
    key = f"custom/{charge.key}"
    how = _item_words(charge, item, invoice.period) if item else f"custom line item {charge.key}"
    return Explanation(
        line=_on(invoice, key),
        price_book="",
        cost_basis="",
        charges=(),
        steps=(how, *_steps(charge.price, invoice.currency, invoice, key)),
    )


def explain_taken(key: str, inputs: BillingInputs, *, invoice: Invoice) -> Explanation:
    """Of what earlier months left, or was paid ahead."""
    line = _on(invoice, key)
    if line.prepaid:
        items = charged_items(inputs.custom_items_of(ClientKey(invoice.buyer.key)), inputs.period)
        paid = items[line.prepaid.key].charge
        assert isinstance(paid, Prepaid), "only what was paid ahead can be left"
        left = from_minor(line.prepaid.left_minor, invoice.currency)
        how = (
            f"taken off what was prepaid, {plain(paid.prepaid)}, of which {left:f} "
            f"{invoice.currency} is left"
        )
    else:
        assert line.carried_from is not None
        how = f"what {line.carried_from.period} left in the client's favour, before tax"
    amount = from_minor(line.amount_minor, invoice.currency)
    on = f"on the document: {amount} {invoice.currency}"
    return Explanation(line, price_book="", cost_basis="", charges=(), steps=(how, on))


def _on(invoice: Invoice, key: str) -> InvoiceLine:
    return next(each for each in invoice.lines if each.key == key)


def _charge(
    row: Mapping[str, Any], line: StatementLine, rules: Sequence[PricingRule]
) -> ExplainedCharge:
    # A savings plan's negation is matched as the usage that it cancels: `matching_rules` knows.
    matching = matching_rules({name: row[name] for name in (*MATCHED, ACCOUNT)}, rules)
    assert row["rule"] == next(iter(matching), -1), "another rule priced it"
    words = [rules[each].label or described(rules[each]) for each in matching]
    winner = rules[matching[0]] if matching else None
    price = _scaled(row["price_e22"], PRICE_DIGITS)
    return ExplainedCharge(
        of={name: row[name] for name in MATCHED} | {"description": row["description_key"]},
        usage=row["usage"],
        unit=row["unit"],
        cost=_scaled(row["cost_e16"], SHARE_DIGITS),
        currency=line.currency,
        rule=words[0] if words else AT_COST,
        others=tuple(words[1:]),
        price=price,
        arithmetic=_arithmetic(row, winner, price),
        attribution=row[ATTRIBUTION],
    )


def _arithmetic(row: Mapping[str, Any], rule: PricingRule | None, price: Decimal) -> str:
    start = _scaled(row["start_e16"], SHARE_DIGITS)
    match rule.effect if rule else None:
        case None:
            return f"{plain(start)} = {plain(price)}"
        case Markup(percent):
            factor = EXACT.divide(Decimal(factor_e6(percent)), Decimal(AT_COST_E6))
            return f"{plain(start)} x {plain(factor)} = {plain(price)}"
        case FixedRate(rate):
            metered = _scaled(row["metered_e10"], COST_DIGITS)
            return f"{plain(metered)} {row['unit']} x {plain(rate)} = {plain(price)}"


def _scaled(units: Decimal, digits: int) -> Decimal:
    return units.scaleb(-digits, EXACT)


def _item_words(charge: CustomCharge, item: CustomLineItem, period: BillingPeriod) -> str:
    term = item.term_of(period)
    often = "a month" if item.every_months == 1 else f"every {item.every_months} months"
    part = f", for {term.days_charged} of {term.days_in_all} days" if term.is_part else ""
    match item.charge:
        case Flat(amount, quantity):
            units = "" if quantity == 1 else f"{plain(quantity)} x "
            return f"{item.kind} of {units}{plain(amount)} {often}{part}"
        case Percentage() as share:
            base = "" if charge.base is None else f" {plain(charge.base)}"
            of = [*share.services, *share.accounts]
            only = f" of {', '.join(of)}" if of else ""
            floor = "" if share.minimum is None else f", at least {plain(share.minimum)}"
            cap = "" if share.maximum is None else f", at most {plain(share.maximum)}"
            over = "" if share.above is None else f", of what is above {plain(share.above)}"
            once = "" if share.reached is None else f", once it is {plain(share.reached)}"
            percent = f"{plain(share.percent)} % of the {share.of}{only}{base}"
            return f"{item.kind} of {percent}{over}{once}{floor}{cap}{part}"
        case MaximumSpend() as maximum:
            return f"what {_spent(charge, maximum)} is above {plain(maximum.maximum_spend)}{part}"
        case MinimumSpend() as minimum:
            spent = _spent(charge, minimum)
            months = (
                ""
                if item.every_months == 1
                else f" of {period.months_since(term.start) + 1} months"
            )
            limit = f"{plain(minimum.minimum_spend)} {often}{part}"
            return f"what {spent}{months} is short of {limit}"
        case Prepaid():
            raise AssertionError("what is paid ahead is taken off a document")


def _spent(charge: CustomCharge, limit: MinimumSpend | MaximumSpend) -> str:
    of = [*limit.services, *limit.accounts]
    whose = f" of {', '.join(of)}" if of else ""
    everything = ", custom line items too" if limit.counts is Counts.ALL else ""
    return f"{plain(charge.base or Decimal(0))} spent{whose}{everything}"


def _steps(price: Decimal, currency: str, invoice: Invoice, key: str) -> Iterator[str]:
    yield f"exact price: {plain(price)} {currency}"
    exchange = _exchange(invoice, currency)
    if exchange is not None and price:
        converted = EXACT.multiply(price, exchange.rate)
        yield (
            f"at {plain(exchange.rate)} ({exchange.source}): {plain(converted)} {invoice.currency}"
        )
    amount = from_minor(_on(invoice, key).amount_minor, invoice.currency)
    yield (
        f"on the document: {amount} {invoice.currency}, rounded ({invoice.rounding}) so that all "
        "lines add up to the rounded total"
    )


def _exchange(invoice: Invoice, currency: str) -> Exchange | None:
    if currency == invoice.currency:
        return None
    known = [invoice.exchange] if invoice.exchange else []
    every = {each.from_currency: each for each in (*known, *invoice.other_exchanges)}
    return every.get(currency)
