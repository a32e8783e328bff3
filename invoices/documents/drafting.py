"""Owns the draft: a statement in the client's currency, rounded at the line, with tax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from invoices.clients import AccountId, Client
from invoices.documents.invoice import Buyer, Exchange, Invoice, InvoiceLine, Seller
from invoices.documents.service_names import service_name
from invoices.documents.tax import tax_line
from invoices.money import EXACT, Rounding, exact_sum, split_rounded, to_minor
from invoices.pricing.custom import CustomCharge, CustomLineItem, Percentage, PercentOf
from invoices.statements import Statement, StatementLine


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the drafts of a run have in common."""

    seller: Seller
    rounding: Rounding
    account_names: Mapping[AccountId, str]
    tax_rounding: Rounding | None = None
    """None: as all else."""


@dataclass(frozen=True, slots=True)
class _ExactLine:
    """A line before rounding, in the invoice's currency."""

    line: StatementLine | CustomCharge
    key: str
    unit_price: Decimal
    price: Decimal


def draft(
    statement: Statement,
    custom: Sequence[CustomCharge],
    *,
    client: Client,
    letterhead: Letterhead,
    exchange: Exchange | None,
) -> Invoice:
    """An invoice without number and dates. Its lines add up to the exact total, rounded once.

    `exchange` is None where nothing is converted. Lines priced at nothing are left out, unless
    there is no other.
    """
    currency = client.currency
    rounding = client.rounding or letterhead.rounding
    tax_rounding = client.tax.rounding or letterhead.tax_rounding
    if exchange is None:
        assert currency == statement.currency or not has_to_convert(statement, ())
    else:
        assert currency == exchange.to_currency
    exact = _exact_lines(statement, custom, exchange)
    # Rounded once, of the exact sum: lines that were rounded one by one would miss it by cents:
    # `tests/unit/invoices/test_documents_drafting.py`,
    # `test_lines_are_rounded_so_that_they_add_up_to_the_rounded_total`.
    subtotal = to_minor(exact_sum(line.price for line in exact), currency, rounding)
    amounts = split_rounded(subtotal, {line.key: line.price for line in exact}, currency)
    lines = tuple(_line(line, amounts[line.key], letterhead.account_names) for line in exact)
    tax = tax_line(
        client.tax, base_minor=subtotal, currency=currency, rounding=tax_rounding or rounding
    )
    return Invoice(
        number="",
        seller=letterhead.seller,
        buyer=_buyer(client),
        period=statement.period,
        currency=currency,
        issued_on=None,
        due_on=None,
        payment_terms_days=client.payment_terms_days,
        lines=lines,
        tax_lines=(tax,),
        subtotal_minor=subtotal,
        tax_minor=tax.tax_minor,
        total_minor=subtotal + tax.tax_minor,
        rounding=rounding,
        exchange=exchange,
        tax_rounding=None if tax_rounding == rounding else tax_rounding,
    )


def has_to_convert(statement: Statement, items: Iterable[CustomLineItem]) -> bool:
    """Whether an invoice in another currency than the payer's shows any amount of the payer's.

    Charges priced at nothing are nothing in any currency, and custom line items are in the
    client's; only a percentage of cost starts from the payer's.
    """
    priced = any(line.price or line.unit_price for line in statement.lines)
    charges = [item.charge for item in items if item.applies_in(statement.period)]
    return priced or bool(
        statement.cost
        and any(
            isinstance(charge, Percentage) and charge.of is PercentOf.COST and charge.percent
            for charge in charges
        )
    )


def converted(amount: Decimal, exchange: Exchange | None) -> Decimal:
    """The exact product: rounding comes later, once, on the document."""
    return amount if exchange is None else EXACT.multiply(amount, exchange.rate)


def _exact_lines(
    statement: Statement, custom: Sequence[CustomCharge], exchange: Exchange | None
) -> list[_ExactLine]:
    lines = [
        _ExactLine(
            line, line.key, converted(line.unit_price, exchange), converted(line.price, exchange)
        )
        for line in statement.lines
    ]
    lines += [_ExactLine(item, f"custom/{item.key}", item.price, item.price) for item in custom]
    return [line for line in lines if line.price] or lines


def _line(exact: _ExactLine, amount_minor: int, names: Mapping[AccountId, str]) -> InvoiceLine:
    match exact.line:
        case StatementLine() as line:
            return InvoiceLine(
                key=exact.key,
                account_id=line.account_id,
                account_name=names.get(AccountId(line.account_id), ""),
                service=line.service,
                service_name=service_name(line.service, line.billing_entity),
                description=line.description,
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
                description=item.description,
                quantity=Decimal(1),
                unit="",
                price=exact.unit_price,
                amount_minor=amount_minor,
            )


def _buyer(client: Client) -> Buyer:
    return Buyer(
        key=client.key,
        name=client.name,
        address=client.address,
        vat_id=client.tax.vat_id,
        buyer_reference=client.buyer_reference,
    )
