"""Owns what is wrong with custom line items beside what the store has, before they are applied."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from invoices.clients import ClientKey
from invoices.pricing.custom import CustomLineItem
from invoices.pricing.spend import MinimumSpend
from service.actions.billing.custom_line_items import ended, left_out, only_payer
from service.configuration.items import ItemProblem, item_problems
from service.configuration.reading import Configuration
from service.store.billing import invoices, sellers
from service.store.billing.items import versions
from service.store.session import Session


def check_custom_line_items(
    session: Session, configuration: Configuration, known: Set[ClientKey], *, prune: bool
) -> Iterator[ItemProblem]:
    """`known` are the clients of the file and of the store."""
    yield from () if prune else _reworded(session, configuration)
    yield from _overlapping(session, configuration, prune=prune)
    yield from _ended_unsettled(session, configuration, prune=prune)
    for item in configuration.custom_line_items:
        if item.client not in known:
            words = f"{item.description!r} is for an unknown client {item.client}"
            yield ItemProblem(item, "client", words)
    yield from _of_no_payer(session, configuration)


def _of_no_payer(session: Session, configuration: Configuration) -> Iterator[ItemProblem]:
    payers = {payer.account_id for payer in configuration.payer_accounts}
    payers |= {each.account_id for each in sellers.payer_accounts(session) if each.seller_key}
    is_sole = only_payer(session) is not None
    stored = versions.every_custom_line_item(session)
    placed = {item.key for item in stored if is_sole or item.payer_account_id}
    for item in configuration.custom_line_items:
        whose = f"{item.description!r} of {item.client}"
        if item.payer_account_id is None and len(payers) > 1 and item.key not in placed:
            words = "there are several payers; say with `payer` on whose invoice it goes"
            yield ItemProblem(item, "payer", f"{whose}: {words}")
        if item.payer_account_id is not None and item.payer_account_id not in payers:
            yield ItemProblem(item, "payer", f"{whose}: there is no payer {item.payer_account_id}")


def _reworded(session: Session, configuration: Configuration) -> Iterator[ItemProblem]:
    """An item with other words beside one of the same kind and charge: meant once, billed twice."""
    stored = {item.key for item in versions.every_custom_line_item(session)}
    old = left_out(session, configuration)
    for item in configuration.custom_line_items:
        for before in old:
            alike = (before.client, before.kind, before.charge) == (
                item.client,
                item.kind,
                item.charge,
            )
            if item.key not in stored and alike and before.end is None:
                words = (
                    f"{item.description!r} of {item.client} is new, and the "
                    f"store has {before.description!r} with the same charge, which the file leaves "
                    "out: both would be billed. If they are one, apply with --prune; if both are "
                    "meant, write both"
                )
                yield ItemProblem(item, "description", words)


def _overlapping(
    session: Session, configuration: Configuration, *, prune: bool
) -> Iterator[ItemProblem]:
    """Versions of the store which the file leaves out, and which would be charged beside its own.

    Where the file says of an item only when it begins another time, both would be billed.
    """
    keys = {item.key for item in configuration.custom_line_items}
    old = [item for item in left_out(session, configuration) if item.key in keys]
    if prune:
        old = [each for item in old if (each := ended(session, item))]
    for problem in item_problems([*old, *configuration.custom_line_items]):
        words = (
            f"{problem.words}. The store has one of them, which the file leaves out: write both, "
            "each with its dates, or apply with --prune if there is one only"
        )
        yield replace(problem, words=words)


def _ended_unsettled(
    session: Session, configuration: Configuration, *, prune: bool
) -> Iterator[ItemProblem]:
    """A term cut short by a month that is issued: what is missing of it would be on no document."""
    stored = {(e.key, e.start): e for e in versions.every_custom_line_item(session)}
    wanted = list(configuration.custom_line_items)
    if prune:
        old = left_out(session, configuration)
        wanted += [until for item in old if (until := ended(session, item))]
    for item in wanted:
        if not isinstance(item.charge, MinimumSpend) or item.end is None:
            continue
        before = stored.get((item.key, item.start))
        last = invoices.last_issued_period(session, item.client, since=item.start)
        is_new = before is None or before.end != item.end
        if is_new and last and item.end <= last.next and not _is_settled(before, item):
            words = (
                f"{item.key} would end with {item.end.previous}, which is issued without what is "
                f"missing of its term: let it end with an open month, {last.next} or later"
            )
            yield ItemProblem(item, "to", words)


def _is_settled(before: CustomLineItem | None, item: CustomLineItem) -> bool:
    """Where its term ended with that month as it was, it was charged there."""
    assert item.end is not None
    return before is not None and before.is_last_of_term(item.end.previous)
