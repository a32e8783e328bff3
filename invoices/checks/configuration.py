"""Owns the checks of what is configured: whether clients, prices and items can be billed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from invoices.checks.checked import CheckedMonth, in_words, parks
from invoices.clients import Client, TaxCategory
from invoices.documents.drafting import converted, to_convert
from invoices.kinds import Kind
from invoices.money import CostAndPrice, exact_sum, plain
from invoices.statements import Statement
from kernel.findings import Finding, Severity

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING

OF_PARTIES = ("client_address_incomplete", "client_tax_id_missing")
"""Findings about who a document names, not about its figures."""


def unknown_clients(facts: CheckedMonth) -> Iterator[Finding]:
    known = {client.key for client in facts.inputs.clients}
    for key in facts.statements:
        if key not in known:
            yield parks(key, "client_unknown", f"{key} bears charges but is no client: add it.")


def missing_price_books(facts: CheckedMonth) -> Iterator[Finding]:
    for client in facts.billed_clients:
        if client.price_book not in facts.inputs.price_books:
            yield parks(
                client.key,
                "price_book_missing",
                f"Price book {client.price_book!r} of {client.key} is not in effect in "
                f"{facts.inputs.period}; publish it or give the client another.",
            )


def missing_exchange_rates(facts: CheckedMonth) -> Iterator[Finding]:
    """Only of what an invoice converts: what is retained or free needs no rate."""
    for client in facts.billed_clients:
        stated = facts.inputs.exchanges_to(client.currency)
        statement, items = facts.statements[client.key], facts.inputs.custom_items_of(client.key)
        for currency, amount in to_convert(statement, items, currency=client.currency).items():
            if currency not in stated:
                words = _no_rate(client, currency, amount, facts)
                yield parks(client.key, "exchange_rate_missing", words)


def _no_rate(client: Client, currency: str, amount: Decimal, facts: CheckedMonth) -> str:
    missing = (
        f"{facts.inputs.period} has no rate from {currency} to {client.currency}; add it to "
        "exchange_rates."
    )
    if currency and currency == facts.currency:
        return f"{client.key} pays in {client.currency}, and {missing}"
    if currency:
        return (
            f"{client.key} pays in {client.currency} and bears charges priced {plain(amount)} "
            f"{currency}, and {missing}"
        )
    if currency == facts.currency:
        words = "The export names no currency, so nobody can say what its amounts are"
        return f"{words}: add its column."
    return (
        f"{client.key} bears charges priced {plain(amount)} whose rows name no currency, so nobody "
        "can say what they are: have AWS deliver the export anew."
    )


def incomplete_clients(facts: CheckedMonth) -> Iterator[Finding]:
    """An invoice names the client and its address; where tax law is quoted, it must."""
    for client in facts.billed_clients:
        # Names and addresses of both are among what a VAT invoice must show (VAT Directive, art.
        # 226 no. 5):
        # `tests/unit/invoices/test_checks.py::test_without_tax_an_incomplete_address_is_a_warning`.
        taxed = client.tax.category is not TaxCategory.OUTSIDE_SCOPE
        address = client.address
        if not (client.name and address.street and address.city and address.country):
            yield Finding(
                CRITICAL if taxed else WARNING,
                "client_address_incomplete",
                client.key,
                f"{client.key} lacks a name, street, city or country; an invoice must show them.",
                client.key if taxed else "",
            )
        # The buyer owes the tax and is told apart by its VAT id alone (VAT Directive, art. 226 no.
        # 4).
        items = facts.inputs.custom_items_of(client.key)
        taxes = [client.tax, *(item.tax for item in items if item.tax)]
        is_reverse = any(tax.category is TaxCategory.REVERSE_CHARGE for tax in taxes)
        if is_reverse and not client.tax.vat_id:
            yield parks(
                client.key,
                "client_tax_id_missing",
                f"{client.key} is invoiced under reverse charge, which needs its VAT id.",
            )


def inconsistent_tax(facts: CheckedMonth) -> Iterator[Finding]:
    for client in facts.billed_clients:
        tax = client.tax
        # In EN 16931 each other category has rate 0 or none at all (rules BR-AE-05, BR-Z-05,
        # BR-E-05).
        if (tax.category is TaxCategory.STANDARD) != (tax.rate_percent > 0):
            yield parks(
                client.key,
                "tax_rate_inconsistent",
                f"{client.key} has tax category {tax.category} with a rate of "
                f"{plain(tax.rate_percent)} %; only standard has a rate, and it needs one.",
            )


def tax_upon_tax(facts: CheckedMonth) -> Iterator[Finding]:
    """Our tax on AWS's tax would be paid twice; what AWS taxed is not ours to tax again."""
    for client in facts.billed_clients:
        taxed = [
            line
            for line in facts.statements[client.key].lines
            if line.key.rpartition("/")[2].partition("-")[0] == Kind.TAX.value and line.price
        ]
        if taxed and client.tax.rate_percent:
            found = dict.fromkeys(line.currency for line in taxed)
            amounts = {
                each: exact_sum(line.price for line in taxed if line.currency == each)
                for each in found
            }
            yield parks(
                client.key,
                "tax_upon_tax",
                f"{client.key} is taxed {plain(client.tax.rate_percent)} % on {in_words(amounts)} "
                f"that is AWS's own tax; set `aws_tax: retain` in price book "
                f"{client.price_book}, or give the client a tax category without a rate.",
            )


def sold_below_cost(facts: CheckedMonth) -> Iterator[Finding]:
    for key, statement in facts.statements.items():
        for currency, found in _comparable(statement, facts).items():
            if found.price < found.cost:
                loss = plain(found.cost - found.price)
                yield Finding(
                    WARNING,
                    "sold_below_cost",
                    key,
                    f"The charges of {key} are priced {loss} {currency} below their cost.",
                )


def _comparable(statement: Statement, facts: CheckedMonth) -> dict[str, CostAndPrice]:
    """Cost and price by currency; where a line has two, all of it in the client's, if it can be."""
    if all(line.currency == line.cost_currency for line in statement.lines):
        return statement.amounts
    for client in facts.billed_clients:
        rates = facts.inputs.exchanges_to(client.currency)
        if client.key == statement.client and statement.amounts.keys() <= {client.currency, *rates}:
            costs = {each: found.cost for each, found in statement.amounts.items()}
            prices = {each: found.price for each, found in statement.amounts.items()}
            cost, price = (converted(each, client.currency, rates) for each in (costs, prices))
            return {client.currency: CostAndPrice(cost, price)}
    return {}
