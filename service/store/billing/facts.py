"""Owns the questions about who a client and a seller are on a day, as documents print them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlmodel import col, select

from invoices.clients import Client, ClientFacts, with_facts
from invoices.documents.invoice import Buyer, Invoice, Seller, SellerFacts, seller_on
from invoices.periods import BillingPeriod
from service.store.billing import clients, sellers
from service.store.changes import Change, put, remove
from service.store.plain import from_json, to_json
from service.store.session import Session
from service.store.tables.configuration import ClientFactsRow, SellerFactsRow


def put_client_facts(
    session: Session, client_key: str, wanted: Sequence[ClientFacts]
) -> list[Change]:
    """Exactly these: what the client had besides is removed."""
    row = ClientFactsRow
    stored = session.exec(select(row).where(col(row.client_key) == client_key)).all()
    rows = [row(client_key=client_key, starts_on=each.start, said=to_json(each)) for each in wanted]
    return _put_exactly(session, stored, rows, f"client {client_key}")


def put_seller_facts(
    session: Session, seller_key: str, wanted: Sequence[SellerFacts]
) -> list[Change]:
    """Exactly these: what the seller had besides is removed."""
    row = SellerFactsRow
    stored = session.exec(select(row).where(col(row.seller_key) == seller_key)).all()
    rows = [row(seller_key=seller_key, starts_on=each.start, said=to_json(each)) for each in wanted]
    return _put_exactly(session, stored, rows, f"seller {seller_key}")


def _put_exactly(
    session: Session,
    stored: Sequence[ClientFactsRow | SellerFactsRow],
    wanted: Sequence[ClientFactsRow | SellerFactsRow],
    whose: str,
) -> list[Change]:
    days = {each.starts_on for each in wanted}
    changes: list[Change] = []
    for gone in sorted(stored, key=lambda each: each.starts_on):
        if gone.starts_on not in days:
            changes += remove(session, gone, f"{whose} from {gone.starts_on}")
    for row in sorted(wanted, key=lambda each: each.starts_on):
        changes += put(session, row, f"{whose} from {row.starts_on}")
    return changes


def clients_of(session: Session, period: BillingPeriod, *, issued_on: date) -> tuple[Client, ...]:
    """All clients as a document of `period` that is issued on that day has them."""
    said = [from_json(ClientFacts, row.said) for row in session.exec(select(ClientFactsRow))]
    return tuple(
        with_facts(client, said, addressed_on=issued_on, supplied_on=period.last_day)
        for client in clients.clients(session)
    )


def seller_of(session: Session, seller_key: str, *, issued_on: date) -> Seller:
    row = SellerFactsRow
    found = session.exec(select(row).where(col(row.seller_key) == seller_key))
    said = [from_json(SellerFacts, each.said) for each in found]
    seller, _ = sellers.seller(session, seller_key)
    return seller_on(seller, said, issued_on)


def as_issued(session: Session, draft: Invoice, *, issued_on: date) -> Invoice:
    """The draft with both parties as that day has them: its figures are not touched."""
    row = ClientFactsRow
    found = session.exec(select(row).where(col(row.client_key) == draft.buyer.key))
    known = clients.client(session, draft.buyer.key)
    assert known is not None, "a draft's client is never removed"
    client = with_facts(
        known,
        [from_json(ClientFacts, each.said) for each in found],
        addressed_on=issued_on,
        supplied_on=draft.period.last_day,
    )
    seller = seller_of(session, draft.seller.key, issued_on=issued_on)
    return replace(draft, buyer=Buyer.of(client), seller=seller)
