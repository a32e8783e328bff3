"""Owns what applying a file does to custom line items: each on one payer's documents, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from invoices.clients import AccountId
from invoices.periods import DaySpan
from invoices.pricing.custom import CustomLineItem
from service.configuration.reading import Configuration
from service.store.billing import invoices, sellers
from service.store.billing.items import versions
from service.store.changes import Change
from service.store.session import Session


def write_custom_line_items(
    session: Session, configuration: Configuration, *, prune: bool
) -> Iterator[Change]:
    """After the payers of the file are known, and before `place_at` forgets who was alone."""
    known = {item.key: item.payer_account_id for item in versions.every_custom_line_item(session)}
    alone = only_payer(session)
    if prune:
        for item in left_out(session, configuration):
            yield from _end(session, item)
    for item in configuration.custom_line_items:
        if item.payer_account_id is None:
            item = replace(item, payer_account_id=known.get(item.key) or alone)
        yield from versions.put_custom_line_item(session, item)


def place_at(session: Session, payer: AccountId | None) -> Iterator[Change]:
    """Whatever names no payer goes on this one's documents, also once there are others."""
    if payer is not None:
        for item in versions.every_custom_line_item(session):
            if item.payer_account_id is None:
                placed = replace(item, payer_account_id=payer)
                yield from versions.put_custom_line_item(session, placed)


def only_payer(session: Session) -> AccountId | None:
    selling = [each.account_id for each in sellers.payer_accounts(session) if each.seller_key]
    return selling[0] if len(selling) == 1 else None


def left_out(session: Session, configuration: Configuration) -> tuple[CustomLineItem, ...]:
    """What the store has, of clients that the file describes, and the file has not.

    Of an item that the file has, that is each version which begins in a month of its own.
    """
    named = {(item.key, item.start) for item in configuration.custom_line_items}
    clients = {client.key for client in configuration.clients}
    clients |= {item.client for item in configuration.custom_line_items}
    return tuple(
        item
        for item in versions.every_custom_line_item(session)
        if item.client in clients and (item.key, item.start) not in named
        if item.end is None or item.end > item.start
    )


def _end(session: Session, item: CustomLineItem) -> Iterator[Change]:
    until = ended(session, item)
    if until is None:
        yield from versions.remove_custom_line_item(session, item)
    elif until != item:
        yield from versions.put_custom_line_item(session, until)


def ended(session: Session, item: CustomLineItem) -> CustomLineItem | None:
    """None, or until the end of the last period that was issued with it."""
    last = invoices.last_issued_period(session, item.client, since=item.start)
    if last is None:
        return None
    if item.end is not None and item.end <= last.next:
        return item
    days = DaySpan(item.days.start, last.end) if item.days else None
    return replace(item, end=last.next, days=days)
