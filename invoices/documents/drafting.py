"""Owns the draft: a statement in the client's currency, rounded at the line, with tax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from invoices.clients import AccountId, Client, Tax
from invoices.documents.invoice import (
    Buyer,
    DocumentType,
    Exchange,
    Invoice,
    InvoiceLine,
    LineTax,
    Seller,
)
from invoices.documents.service_names import service_name
from invoices.documents.tax import accounting_tax, tax_lines
from invoices.money import EXACT, Rounding, exact_sum, split_rounded, to_minor
from invoices.pricing.custom import CustomCharge, CustomLineItem, Percentage, PercentOf
from invoices.pricing.spend import MaximumSpend, MinimumSpend
from invoices.statements import Statement, StatementLine

Exchanges = Mapping[str, Exchange]
"""By the currency they are from; all are to the invoice's own."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the drafts of a run have in common."""

    seller: Seller
    rounding: Rounding
    account_names: Mapping[AccountId, str]
    tax_rounding: Rounding | None = None
    """None: as all else."""
    tax_exchanges: Mapping[str, Exchange] = field(default_factory=dict)
    """By currency of an invoice, into the one that the seller accounts for its tax in."""


@dataclass(frozen=True, slots=True)
class _ExactLine:
    """A line before rounding, in the invoice's currency."""

    line: StatementLine | CustomCharge
    key: str
    description: str
    unit_price: Decimal
    price: Decimal


def draft(
    statement: Statement,
    custom: Sequence[CustomCharge],
    *,
    client: Client,
    letterhead: Letterhead,
    exchanges: Exchanges,
) -> Invoice:
    """An invoice without number and dates. Its lines add up to the exact total, rounded once.

    Lines priced at nothing are left out, unless there is no other.
    """
    currency = client.currency
    rounding = client.rounding or letterhead.rounding
    tax_rounding = client.tax.rounding or letterhead.tax_rounding
    assert all(each.to_currency == currency for each in exchanges.values())
    exact = _exact_lines(statement, custom, currency, exchanges)
    # Rounded once, of the exact sum: lines that were rounded one by one would miss it by cents:
    # `tests/unit/invoices/test_documents_drafting.py`,
    # `test_lines_are_rounded_so_that_they_add_up_to_the_rounded_total`.
    subtotal = to_minor(exact_sum(line.price for line in exact), currency, rounding)
    amounts = split_rounded(subtotal, {line.key: line.price for line in exact}, currency)
    lines = tuple(_line(line, amounts[line.key], letterhead.account_names) for line in exact)
    others = sorted(exchanges.keys() - {statement.currency})
    taxes = tax_lines(
        client.tax, _by_tax(exact, lines), currency=currency, rounding=tax_rounding or rounding
    )
    tax_minor = sum(each.tax_minor for each in taxes)
    tax_exchange = letterhead.tax_exchanges.get(currency) if tax_minor else None
    stated = (
        accounting_tax(taxes, tax_exchange, rounding=tax_rounding or rounding)
        if tax_exchange
        else None
    )
    return Invoice(
        number="",
        seller=letterhead.seller,
        buyer=Buyer.of(client),
        period=statement.period,
        currency=currency,
        issued_on=None,
        due_on=None,
        payment_terms_days=client.payment_terms_days,
        lines=lines,
        tax_lines=taxes,
        subtotal_minor=subtotal,
        tax_minor=tax_minor,
        total_minor=subtotal + tax_minor,
        rounding=rounding,
        exchange=exchanges.get(statement.currency),
        other_exchanges=tuple(exchanges[each] for each in others),
        tax_rounding=None if tax_rounding == rounding else tax_rounding,
        accounting_tax=stated,
        document_type=DocumentType.INVOICE,
    )


def to_convert(
    statement: Statement, items: Iterable[CustomLineItem], *, currency: str
) -> dict[str, Decimal]:
    """By currency other than the invoice's: the charges that it shows converted.

    Charges priced at nothing are nothing in any currency, and custom line items are in the
    client's; only a percentage of cost starts from a cost.
    """
    priced = {line.currency for line in statement.lines if line.price or line.unit_price}
    charges = [item.charge for item in items if item.applies_in(statement.period)]
    of_cost = any(
        isinstance(charge, Percentage) and charge.of is PercentOf.COST and charge.percent
        for charge in charges
    )
    return {
        each: found.price if each in priced else found.cost
        for each, found in statement.amounts.items()
        if each != currency and (each in priced or (of_cost and found.cost))
    }


def base_of(
    statement: Statement,
    charge: Percentage | MinimumSpend | MaximumSpend,
    *,
    currency: str,
    exchanges: Exchanges,
) -> Decimal | None:
    """What of the charges a percentage or a limit is of, in `currency`, exactly.

    None where a cost is in a currency without a rate: nothing that is shown is converted by it.
    """
    own = [each for each in statement.lines if charge.is_of(each.account_id, each.service)]
    is_cost = isinstance(charge, Percentage) and charge.of is PercentOf.COST
    amounts = [
        (each.cost, each.cost_currency) if is_cost else (each.price, each.currency) for each in own
    ]
    if any(amount and each not in {currency, *exchanges} for amount, each in amounts):
        return None
    return exact_sum(_converted(amount, each, currency, exchanges) for amount, each in amounts)


def converted(amounts: Mapping[str, Decimal], currency: str, exchanges: Exchanges) -> Decimal:
    """All of them in `currency`, exactly: rounding comes later, once, on the document."""
    return exact_sum(
        _converted(amount, each, currency, exchanges) for each, amount in amounts.items()
    )


def _converted(amount: Decimal, given: str, currency: str, exchanges: Exchanges) -> Decimal:
    """Nothing is nothing in every currency; all else has a rate, or its client is parked."""
    if given == currency or not amount:
        return amount
    return EXACT.multiply(amount, exchanges[given].rate)


def _exact_lines(
    statement: Statement, custom: Sequence[CustomCharge], currency: str, exchanges: Exchanges
) -> list[_ExactLine]:
    lines = []
    for line in statement.lines:
        unit_price, price = (
            _converted(each, line.currency, currency, exchanges)
            for each in (line.unit_price, line.price)
        )
        # Who adds up a document has to see which of its rates a line was converted at.
        is_other = line.currency not in {statement.currency, currency} and price
        words = f"{line.description}, charged in {line.currency}" if is_other else line.description
        lines.append(_ExactLine(line, line.key, words, unit_price, price))
    lines += [
        _ExactLine(
            item,
            f"custom/{item.key}",
            item.description,
            item.price if item.unit_price is None else item.unit_price,
            item.price,
        )
        for item in custom
    ]
    return [line for line in lines if line.price] or lines


def _by_tax(exact: Sequence[_ExactLine], lines: Sequence[InvoiceLine]) -> dict[Tax | None, int]:
    """What is taxed as an item says, by that; and under None, if anything, as the client is."""
    sums: dict[Tax | None, int] = {}
    for each, line in zip(exact, lines, strict=True):
        own = each.line.tax if isinstance(each.line, CustomCharge) else None
        sums[own] = sums.get(own, 0) + line.amount_minor
    return sums


def _line(exact: _ExactLine, amount_minor: int, names: Mapping[AccountId, str]) -> InvoiceLine:
    match exact.line:
        case StatementLine() as line:
            return InvoiceLine(
                key=exact.key,
                account_id=line.account_id,
                account_name=names.get(AccountId(line.account_id), ""),
                service=line.service,
                service_name=service_name(line.service, line.billing_entity),
                description=exact.description,
                quantity=line.quantity,
                unit=line.unit,
                price=exact.unit_price,
                amount_minor=amount_minor,
            )
        case CustomCharge() as item:
            return InvoiceLine(
                key=exact.key,
                account_id="",
                account_name="",
                service="",
                service_name="",
                description=exact.description,
                quantity=item.quantity,
                unit="",
                price=exact.unit_price,
                amount_minor=amount_minor,
                tax=LineTax(item.tax.category, item.tax.rate_percent) if item.tax else None,
            )
