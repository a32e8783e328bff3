"""Owns the checks of AWS Support: whether a plan is sold, and whether anybody shares a charge."""

from __future__ import annotations

from collections.abc import Iterator

from invoices.allocation.support.plans import SupportPlan
from invoices.checks.checked import CheckedMonth, parks
from invoices.clients import Client
from invoices.money import plain
from kernel.findings import Finding, Severity


def unsold_support_plans(facts: CheckedMonth) -> Iterator[Finding]:
    """A plan ends, and a contract goes on: what it costs then, nobody has said."""
    for client, plan in _plans(facts):
        if not plan.is_sold_in(facts.inputs.period):
            yield parks(
                client.key,
                "support_plan_unsold",
                f"{client.key} pays support by {plan.name}, which is sold {plan.words}, and not in "
                f"{facts.inputs.period}: write another plan, from then on, in price book "
                f"{client.price_book}.",
            )
        elif plan.currency not in ("", facts.currency):
            yield parks(
                client.key,
                "support_plan_unanswerable",
                f"{client.key} pays support by {plan.name}, whose prices are in {plan.currency}, "
                f"and the bill is in {facts.currency}: write a table in {facts.currency} in price "
                f"book {client.price_book}.",
            )


def _plans(facts: CheckedMonth) -> Iterator[tuple[Client, SupportPlan]]:
    for client in facts.billed_clients:
        book = facts.inputs.price_books.get(client.price_book)
        if book is not None and book.support.plan is not None:
            yield client, book.support.plan


def support_of_nobody(facts: CheckedMonth) -> Iterator[Finding]:
    """Nothing to divide by: it stays where AWS put it, and that is told."""
    for currency, month in facts.by_currency.items():
        if month.support.unshared:
            yield Finding(
                Severity.CRITICAL,
                "support_without_basis",
                str(facts.inputs.period),
                f"{plain(month.support.unshared)} {currency} of AWS Support are to be shared by "
                f"{', '.join(month.support.sharing)} by spend, and none of these has any in "
                f"{facts.inputs.period}. Write another `support`, or waive it: then it stays where "
                "AWS put it.",
            )


__all__ = ["support_of_nobody", "unsold_support_plans"]
