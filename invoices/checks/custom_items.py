"""Owns the checks of custom line items: whose they are, what they are of, and what they count."""

from __future__ import annotations

from collections.abc import Iterator

from invoices.checks.checked import CheckedMonth, parks
from invoices.money import from_minor, plain
from invoices.pricing.custom import Percentage, counted_months_of
from invoices.pricing.spend import MinimumSpend, Scoped
from kernel.findings import Finding, Severity

WARNING = Severity.WARNING


def custom_items_of_nobody(facts: CheckedMonth) -> Iterator[Finding]:
    known = {client.key for client in facts.inputs.clients}
    for item in facts.inputs.custom_line_items:
        if item.client not in known:
            yield Finding(
                WARNING,
                "custom_line_item_without_client",
                item.key,
                f"Custom line item {item.key} is for {item.client}, which is no client.",
            )


def custom_items_of_any_payer(facts: CheckedMonth) -> Iterator[Finding]:
    """It would be on a document of each payer, and so be billed several times."""
    if not facts.inputs.has_other_payers:
        return
    for item in facts.inputs.custom_line_items:
        if item.payer_account_id is None and item.client in facts.statements:
            yield parks(
                item.client,
                "custom_line_item_of_any_payer",
                f"Custom line item {item.key} of {item.client} names no payer, and there are "
                "several: say with `payer` on whose invoice it goes, and apply.",
            )


def custom_items_only(facts: CheckedMonth) -> Iterator[Finding]:
    for key, statement in facts.statements.items():
        if not statement.lines:
            yield Finding(
                WARNING,
                "custom_line_items_only",
                key,
                f"{key} has no charges of payer {facts.inputs.payer_account_id} in "
                f"{facts.inputs.period}, only custom line items.",
            )


def percentages_of_nothing(facts: CheckedMonth) -> Iterator[Finding]:
    """What a misspelt service or account would be, month after month, without a word."""
    for item in facts.inputs.custom_line_items:
        statement, scope = facts.statements.get(item.client), item.charge
        if statement is None or not item.applies_in(facts.inputs.period):
            continue
        if not isinstance(scope, Scoped) or not (scope.services or scope.accounts):
            continue
        if not any(scope.is_of(line.account_id, line.service) for line in statement.lines):
            what = "is a percentage of" if isinstance(scope, Percentage) else "counts"
            yield Finding(
                WARNING,
                "percentage_of_nothing",
                item.key,
                f"Custom line item {item.key} of {item.client} {what} "
                f"{', '.join([*scope.services, *scope.accounts])}, and {item.client} has no charge "
                f"of these in {facts.inputs.period}: correct the names if they are misspelt.",
                client=item.client,
            )


def prepaid(facts: CheckedMonth) -> Iterator[Finding]:
    """Of each prepayment, what the draft takes, and what is left of it; or why it waits."""
    for client in facts.billed_clients:
        draft = facts.drafts.get(client.key)
        if draft is None:
            continue
        lines = {line.prepaid.key: line for line in draft.lines if line.prepaid}
        for pot in facts.inputs.pots_of(client):
            line = lines.get(pot.item.key)
            taken = -line.amount_minor if line else 0
            left, on = (
                plain(from_minor(each, draft.currency))
                for each in (max(pot.shown_minor - taken, 0), taken)
            )
            words = f"Of {pot.item.key} of {client.key}, {on} {draft.currency} is taken off"
            if pot.is_in_another:
                code, words = (
                    "prepaid_waits",
                    (
                        f"{pot.item.key} of {client.key} was taken off documents in another "
                        f"currency than {draft.currency}: end it, and begin another."
                    ),
                )
            elif pot.left_minor == taken:
                code, words = "prepaid_run_out", f"{words}, and nothing is left."
            else:
                code, words = "prepaid_left", f"{words}, and {left} is left."
            if taken or pot.is_in_another:
                yield Finding(WARNING, code, client.key, words, client=client.key)


def unknown_spend(facts: CheckedMonth) -> Iterator[Finding]:
    """At the end of a term: months of it that nobody can count, and so what is missing."""
    period = facts.inputs.period
    for item in facts.inputs.custom_line_items:
        if not isinstance(item.charge, MinimumSpend) or not item.is_last_of_term(period):
            continue
        client = next((each for each in facts.billed_clients if each.key == item.client), None)
        if client is None:
            continue
        months = {
            each.period: each.currency
            for each in facts.inputs.counted_of(client.key)
            if each.key == item.key
        }
        needed = counted_months_of(item, period)
        if unknown := [str(each) for each in needed if each not in months]:
            yield parks(
                client.key,
                "minimum_spend_unknown",
                f"What {client.key} spent in {', '.join(unknown)} is not known to {item.key}, "
                f"whose term ends with {period}: bill these months again, or say with `opening` "
                "what the months came to that were billed elsewhere.",
            )
        elif others := sorted({*months.values()} - {client.currency, ""}):
            yield parks(
                client.key,
                "minimum_spend_in_two_currencies",
                f"Months of {client.key} that {item.key} counts were billed in "
                f"{', '.join(others)}, and {period} is in {client.currency}: end the item, and "
                "begin another with an `opening`.",
            )
