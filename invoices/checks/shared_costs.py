"""Owns the checks of shared costs: whether anybody bears them, and whether they are there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from invoices.allocation.shared_costs.groups import By, SharedCost
from invoices.checks.checked import CheckedMonth, in_words, parks
from invoices.money import plain
from kernel.findings import Finding, Severity

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def shared_costs_of_nobody(facts: CheckedMonth) -> Iterator[Finding]:
    """Nothing to divide by: what would be shared stays ours or nobody's, and that is told."""
    for group in facts.inputs.shared_costs:
        amounts = _left(facts, group)
        if amounts:
            yield Finding(
                CRITICAL,
                "shared_cost_without_basis",
                group.key,
                f"Nobody bears the shared cost {group.key} ({in_words(amounts)} in "
                f"{facts.inputs.period}): {_why(facts, group)}. Write another basis, or waive it "
                "and bear what is of internal accounts yourself.",
            )


def _left(facts: CheckedMonth, group: SharedCost) -> dict[str, Decimal]:
    """By currency, what nobody bears though it costs something."""
    return {
        currency: each.net_billed_cost
        for currency, month in facts.by_currency.items()
        for each in month.shared_sums
        if each.key == group.key and not each.is_split and not each.is_free
    }


def _why(facts: CheckedMonth, group: SharedCost) -> str:
    units = facts.by_currency[facts.currency].shared_weights[group.key].units
    of = " ".join(f"{column}={glob}" for column, glob in group.basis.of.said.items())
    of = f" of {of}" if of else ""
    match group.basis.by:
        case By.USAGE if len(units) > 1:
            return f"the usage{of} is in {', '.join(units)}, which cannot be added up"
        case By.SPEND | By.USAGE as by:
            return f"no client that is to bear it has any {by}{of}"
    return "there is no client to bear it"


def shared_costs_unanswerable(facts: CheckedMonth) -> Iterator[Finding]:
    """Who spends how much, by a cost or a column that the export has not."""
    limits = facts.inputs.export_limits
    for group in facts.inputs.shared_costs:
        if group.basis.by not in (By.SPEND, By.USAGE) or not _is_split(facts, group):
            continue
        is_spend = group.basis.by is By.SPEND
        lacks = [limits.bases.get(group.basis.cost, "")] if is_spend else []
        lacks += [limits.columns.get(column, "") for column in group.basis.of.said]
        for reason in filter(None, lacks):
            for client in facts.by_currency[facts.currency].shared_weights[group.key].of:
                yield parks(
                    client,
                    "basis_unanswerable",
                    f"{client} bears a part of the shared cost {group.key} by {group.basis.by}, "
                    f"and the export does not tell it: {reason}",
                )


def _is_split(facts: CheckedMonth, group: SharedCost) -> bool:
    sums = [each for month in facts.by_currency.values() for each in month.shared_sums]
    return any(each.key == group.key and each.is_split for each in sums)


def shared_costs_of_nothing(facts: CheckedMonth) -> Iterator[Finding]:
    """What a misspelt account would be, month after month, without a word."""
    months = facts.by_currency.values()
    there = {each.key for month in months for each in month.shared_sums}
    there |= {each.key for month in months for each in month.tagged if each.is_tagged}
    unless = ", unless another payer has it" if facts.inputs.has_other_payers else ""
    for group in facts.inputs.shared_costs:
        if group.key not in there:
            yield Finding(
                WARNING,
                "shared_cost_of_nothing",
                group.key,
                f"Shared cost {group.key} has no charge of payer "
                f"{facts.inputs.payer_account_id} in {facts.inputs.period} to share{unless}: "
                "correct accounts and match if they are misspelt.",
            )


def shared_accounts_of_clients(facts: CheckedMonth) -> Iterator[Finding]:
    """A client's charge is its own: shared, it would be a part of what it is shared by."""
    days, internal = facts.inputs.period.days, facts.inputs.internal_accounts
    for group in facts.inputs.shared_costs:
        for each in facts.inputs.roster.assignments:
            is_shared = each.account_id in group.accounts and each.account_id not in internal
            if is_shared and each.span.overlaps(days):
                yield Finding(
                    WARNING,
                    "shared_account_of_client",
                    each.account_id,
                    f"Account {each.account_id} is {each.client}'s from {each.span.start}, so of "
                    f"its charges then the shared cost {group.key} has nothing: take the account "
                    "off one of the two.",
                )


def shared_costs_of_departed(facts: CheckedMonth) -> Iterator[Finding]:
    """Who is named bears its part, whether or not it is charged anything else."""
    days = facts.inputs.period.days
    here = {each.client for each in facts.inputs.roster.assignments if each.span.overlaps(days)}
    for group in facts.inputs.shared_costs:
        bearing = facts.by_currency[facts.currency].shared_weights[group.key].of
        for client in group.named:
            if client in bearing and client not in here and _is_split(facts, group):
                yield Finding(
                    WARNING,
                    "shared_cost_of_departed",
                    client,
                    f"{client} has no account in {facts.inputs.period} and bears a part of the "
                    f"shared cost {group.key}, which names it: end that entry, and begin another.",
                )


def tags_of_nobody(facts: CheckedMonth) -> Iterator[Finding]:
    """A value that is no client's, or no tag at all: then all of it would be shared in silence."""
    groups = {group.key: group for group in facts.inputs.shared_costs}
    for each in facts.by_currency[facts.currency].tagged:
        tag = groups[each.key].tag
        for value, cost in each.unknown.items():
            yield Finding(
                WARNING,
                "tag_value_unknown",
                each.key,
                f"{plain(cost)} {facts.currency} of the shared cost {each.key} have {tag}={value}, "
                "which is no client's value: they are shared as what has no tag.",
            )
        if not each.is_tagged and _is_there(facts, each.key):
            yield Finding(
                CRITICAL,
                "shared_cost_untagged",
                each.key,
                f"No charge of the shared cost {each.key} in {facts.inputs.period} has a client's "
                f"value of {tag}, so all of it would be shared as what has no tag. Activate it for "
                "cost allocation, keep it (`tags` of the payer) and ingest the month again; or "
                "waive it.",
            )


def _is_there(facts: CheckedMonth, key: str) -> bool:
    sums = [each for month in facts.by_currency.values() for each in month.shared_sums]
    return any(each.key == key and not each.is_free for each in sums)


__all__ = [
    "shared_accounts_of_clients",
    "shared_costs_of_departed",
    "shared_costs_of_nobody",
    "shared_costs_of_nothing",
    "shared_costs_unanswerable",
    "tags_of_nobody",
]
