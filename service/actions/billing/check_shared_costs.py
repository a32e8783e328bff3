"""Owns the check of shared costs against what is there: clients, accounts and each other."""

from __future__ import annotations

from collections.abc import Iterator, Set

from invoices.allocation.shared_costs.groups import SharedCost, in_effect, taken_twice
from invoices.clients import ClientKey
from invoices.periods import BillingPeriod
from service.configuration.reading import Configuration
from service.store.billing import clients, prices, sellers
from service.store.session import Session


def check_shared_costs(
    session: Session, configuration: Configuration, known: Set[ClientKey]
) -> Iterator[str]:
    """What cannot be, in words; `known` are the clients of file and store."""
    payers = {each.account_id: each for each in sellers.payer_accounts(session)}
    payers |= {each.account_id: each for each in configuration.payer_accounts}
    kept = {tag for payer in payers.values() for tag in payer.tags}
    for group in configuration.shared_costs:
        for client in sorted({*group.named, *group.exempt, *group.values} - known):
            yield f"shared_costs.{group.key}: there is no client {client}"
        if group.tag and group.tag not in kept:
            yield (
                f"shared_costs.{group.key}.tag: no payer keeps {group.tag}; write it under its "
                "`tags`, and ingest its months again"
            )
    written = {(each.key, each.start): each for each in prices.shared_costs(session)}
    written |= {(each.key, each.start): each for each in configuration.shared_costs}
    for one, other, account in taken_twice(written.values()):
        whose = f"charges of {account}" if account else "charges without an account"
        first = max(one.start, other.start)
        since = "" if first == BillingPeriod(1, 1) else f" from {first} on"
        yield (
            f"shared_costs.{other.key}: {one.key} shares the same {whose}{since}; tell them apart "
            "with `match`, or end the first"
        )
    yield from _circles(session, configuration, [*written.values()])


def _circles(
    session: Session, configuration: Configuration, groups: list[SharedCost]
) -> Iterator[str]:
    """A client's account among the shared: its charges would be a part of what they are shared by.

    What was a client's until some day is history, and a finding of that month.
    """
    stored = clients.roster(session).assignments
    assigned = {(each.account_id, each.span.start): each for each in stored}
    assigned |= {(each.account_id, each.span.start): each for each in configuration.assignments}
    for each in assigned.values():
        for group in groups:
            first = max(BillingPeriod.of(each.span.start), group.start)
            shared = each.account_id in group.accounts and group in in_effect(groups, first)
            if shared and each.span.end is None:
                yield (
                    f"shared_costs.{group.key}.accounts: {each.account_id} is {each.client}'s from "
                    f"{each.span.start}, whose charges would be shared in a circle, by themselves; "
                    "take it off one of the two, or say until when it was the client's"
                )


__all__ = ["check_shared_costs"]
