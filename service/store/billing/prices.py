"""Owns the questions about what is charged: price books, shared costs, exchange rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlmodel import col, select

from invoices.allocation.shared_costs.groups import SharedCost
from invoices.inputs import ExchangeRate
from invoices.periods import BillingPeriod
from invoices.pricing.book import PriceBook
from service.store import tables
from service.store.changes import Change, put
from service.store.plain import from_json, to_json
from service.store.session import Session


def put_price_book(session: Session, book: PriceBook, now: datetime) -> list[Change]:
    """The version in effect from `book.start`; versions once recorded stay."""
    recorded = session.get(tables.configuration.PriceBookVersionRow, (book.key, book.version))
    if recorded is None:
        body = to_json(book)
        session.add(
            tables.configuration.PriceBookVersionRow(
                book_key=book.key, version=book.version, body=body, recorded_at=now
            )
        )
        session.flush()
    start = tables.configuration.PriceBookStartRow(
        book_key=book.key, start_period=str(book.start), version=book.version
    )
    return put(session, start, f"price book {book.key} from {book.start}")


def price_books(session: Session, period: BillingPeriod) -> Mapping[str, PriceBook]:
    """By key, the version in effect in `period`; a book that starts later is not there."""
    start, version = (
        tables.configuration.PriceBookStartRow,
        tables.configuration.PriceBookVersionRow,
    )
    rows = session.exec(
        select(start.start_period, version.body)
        .where(
            col(start.book_key) == col(version.book_key),
            col(start.version) == col(version.version),
            col(start.start_period) <= str(period),
        )
        .order_by(col(start.book_key), col(start.start_period))
    )
    books = [
        replace(from_json(PriceBook, body), start=BillingPeriod.parse(start_period))
        for start_period, body in rows
    ]
    return {book.key: book for book in books}


def price_book_keys(session: Session) -> frozenset[str]:
    return frozenset(session.exec(select(tables.configuration.PriceBookStartRow.book_key)))


def put_shared_cost(session: Session, group: SharedCost) -> list[Change]:
    row = tables.configuration.SharedCostRow(
        key=group.key,
        start_period=str(group.start),
        end_period=None if group.end is None else str(group.end),
        body=to_json(group),
    )
    since = "" if group.start == BillingPeriod(1, 1) else f" from {group.start}"
    return put(session, row, f"shared cost {group.key}{since}")


def shared_costs(session: Session) -> tuple[SharedCost, ...]:
    """All versions, by key and start."""
    row = tables.configuration.SharedCostRow
    rows = session.exec(select(row.body).order_by(col(row.key), col(row.start_period)))
    return tuple(from_json(SharedCost, body) for body in rows)


def put_exchange_rate(session: Session, rate: ExchangeRate) -> list[Change]:
    row = tables.configuration.ExchangeRateRow(
        period=str(rate.period),
        from_currency=rate.from_currency,
        to_currency=rate.to_currency,
        rate=rate.rate,
        source=rate.source,
    )
    pair = f"{rate.from_currency} to {rate.to_currency}"
    return put(session, row, f"exchange rate {pair} of {rate.period}")


def exchange_rates(session: Session, period: BillingPeriod) -> tuple[ExchangeRate, ...]:
    row = tables.configuration.ExchangeRateRow
    rows = session.exec(
        select(row)
        .where(col(row.period) == str(period))
        .order_by(col(row.from_currency), col(row.to_currency))
    )
    return tuple(
        ExchangeRate(period, each.from_currency, each.to_currency, each.rate, each.source)
        for each in rows
    )
