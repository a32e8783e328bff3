"""Owns what applying a file does to custom line items: each on one payer's documents, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from invoices.clients import AccountId
from invoices.pricing.custom import CustomLineItem
from service.configuration.reading import Configuration
from service.store.billing import invoices, prices, sellers
from service.store.changes import Change
from service.store.session import Session


def write_custom_line_items(
    session: Session, configuration: Configuration, *, prune: bool
) -> Iterator[Change]:
    """After the payers of the file are known, and before `place_at` forgets who was alone."""
    stored = {item.key: item for item in prices.every_custom_line_item(session)}
    alone = only_payer(session)
    for item in configuration.custom_line_items:
        if item.payer_account_id is None:
            before = stored.get(item.key)
            known = None if before is None else before.payer_account_id
            item = replace(item, payer_account_id=known or alone)
        yield from prices.put_custom_line_item(session, item)
    if prune:
        for item in left_out(session, configuration):
            yield from _end(session, item)


def place_at(session: Session, payer: AccountId | None) -> Iterator[Change]:
    """Whatever names no payer goes on this one's documents, also once there are others."""
    if payer is not None:
        for item in prices.every_custom_line_item(session):
            if item.payer_account_id is None:
                placed = replace(item, payer_account_id=payer)
                yield from prices.put_custom_line_item(session, placed)


def only_payer(session: Session) -> AccountId | None:
    selling = [each.account_id for each in sellers.payer_accounts(session) if each.seller_key]
    return selling[0] if len(selling) == 1 else None


def left_out(session: Session, configuration: Configuration) -> tuple[CustomLineItem, ...]:
    """What the store has, of clients that the file describes, and the file has not."""
    named = {item.key for item in configuration.custom_line_items}
    clients = {client.key for client in configuration.clients}
    clients |= {item.client for item in configuration.custom_line_items}
    return tuple(
        item
        for item in prices.every_custom_line_item(session)
        if item.client in clients and item.key not in named
        if item.end is None or item.end > item.start
    )


def reworded(session: Session, configuration: Configuration) -> Iterator[str]:
    """An item with other words beside one of the same kind and charge: meant once, billed twice."""
    stored = {item.key for item in prices.every_custom_line_item(session)}
    old = left_out(session, configuration)
    for item in configuration.custom_line_items:
        for before in old:
            alike = (before.client, before.kind, before.charge) == (
                item.client,
                item.kind,
                item.charge,
            )
            if item.key not in stored and alike and before.end is None:
                yield (
                    f"custom_line_items: {item.description!r} of {item.client} is new, and the "
                    f"store has {before.description!r} with the same charge, which the file leaves "
                    "out: both would be billed. If they are one, apply with --prune; if both are "
                    "meant, write both"
                )


def _end(session: Session, item: CustomLineItem) -> Iterator[Change]:
    """Removed, or ended after the last period that was issued with it."""
    last = invoices.last_issued_period(session, item.client, since=item.start)
    if last is None:
        yield from prices.remove_custom_line_item(session, item.key)
    elif item.end is None or item.end > last.next:
        yield from prices.put_custom_line_item(session, replace(item, end=last.next))
