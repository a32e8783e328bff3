"""Owns the questions about what is charged: price books, items, shared costs, exchange rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlmodel import col, select

from invoices.allocation.shared_costs.groups import SharedCost
from invoices.clients import AccountId, ClientKey, Tax
from invoices.inputs import ExchangeRate
from invoices.periods import BillingPeriod, DaySpan
from invoices.pricing.book import PriceBook
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from service.store import tables
from service.store.changes import Change, put, remove
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


def put_custom_line_item(session: Session, item: CustomLineItem) -> list[Change]:
    row = tables.configuration.CustomLineItemRow(
        key=item.key,
        client_key=item.client,
        kind=item.kind,
        description=item.description,
        start_period=str(item.start),
        end_period=None if item.end is None else str(item.end),
        payer_account_id=item.payer_account_id,
        every_months=item.every_months,
        starts_on=item.days.start if item.days else None,
        ends_on=item.days.end if item.days else None,
        tax=to_json(item.tax) if item.tax else None,
    )
    match item.charge:
        case Flat(amount, quantity):
            row.flat_amount, row.quantity = amount, quantity
        case Percentage() as share:
            row.percent, row.percent_of = share.percent, share.of
            row.minimum, row.maximum = share.minimum, share.maximum
            row.services, row.accounts = list(share.services), list(share.accounts)
    return put(session, row, f"custom line item {item.key}")


def custom_line_items(
    session: Session, payer_account_id: AccountId, period: BillingPeriod
) -> tuple[CustomLineItem, ...]:
    """Those in effect in `period` that go on invoices of this payer's month."""
    row = tables.configuration.CustomLineItemRow
    rows = session.exec(
        select(row)
        .where(
            col(row.start_period) <= str(period),
            col(row.end_period).is_(None) | (col(row.end_period) > str(period)),
            col(row.payer_account_id).is_(None) | (col(row.payer_account_id) == payer_account_id),
        )
        .order_by(col(row.key), col(row.start_period))
    )
    return tuple(map(_from_custom_row, rows))


def every_custom_line_item(session: Session) -> tuple[CustomLineItem, ...]:
    row = tables.configuration.CustomLineItemRow
    rows = session.exec(select(row).order_by(col(row.key), col(row.start_period)))
    return tuple(map(_from_custom_row, rows))


def remove_custom_line_item(session: Session, item: CustomLineItem) -> list[Change]:
    row = session.get_one(tables.configuration.CustomLineItemRow, (item.key, str(item.start)))
    return remove(session, row, f"custom line item {item.key}")


def _from_custom_row(row: tables.configuration.CustomLineItemRow) -> CustomLineItem:
    charge: Flat | Percentage
    if row.flat_amount is not None:
        charge = Flat(row.flat_amount, row.quantity)
    else:
        assert row.percent is not None and row.percent_of is not None
        charge = Percentage(
            row.percent,
            PercentOf(row.percent_of),
            row.minimum,
            row.maximum,
            tuple(row.services),
            tuple(map(AccountId, row.accounts)),
        )
    return CustomLineItem(
        key=row.key,
        client=ClientKey(row.client_key),
        kind=CustomKind(row.kind),
        description=row.description,
        charge=charge,
        start=BillingPeriod.parse(row.start_period),
        end=None if row.end_period is None else BillingPeriod.parse(row.end_period),
        payer_account_id=None if row.payer_account_id is None else AccountId(row.payer_account_id),
        every_months=row.every_months,
        days=DaySpan(row.starts_on, row.ends_on) if row.starts_on else None,
        tax=from_json(Tax, row.tax) if row.tax else None,
    )


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
