"""Owns the questions about clients, their accounts, and who had which account when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import date

from sqlmodel import col, select

from invoices.clients import (
    AccountId,
    Address,
    Assignment,
    Client,
    ClientKey,
    MonthPolicies,
    Roster,
    Tax,
    TaxCategory,
)
from invoices.money import Rounding
from invoices.periods import DaySpan
from service.store import tables
from service.store.changes import Change, put, remove
from service.store.session import Session


def put_client(session: Session, client: Client) -> list[Change]:
    row = tables.configuration.ClientRow(
        key=client.key,
        name=client.name,
        currency=client.currency,
        address=asdict(client.address),
        tax_category=client.tax.category,
        tax_rate_percent=client.tax.rate_percent,
        vat_id=client.tax.vat_id,
        tax_note=client.tax.note,
        price_book=client.price_book,
        payment_terms_days=client.payment_terms_days,
        email=client.email,
        buyer_reference=client.buyer_reference,
        external_refs=dict(client.external_refs),
        rounding=client.rounding,
        tax_rounding=client.tax.rounding,
        zero_months=client.months.zero,
        negative_months=client.months.negative,
    )
    return put(session, row, f"client {client.key}")


def clients(session: Session) -> tuple[Client, ...]:
    row = tables.configuration.ClientRow
    return tuple(map(_from_client_row, session.exec(select(row).order_by(col(row.key)))))


def client(session: Session, key: str) -> Client | None:
    row = session.get(tables.configuration.ClientRow, key)
    return None if row is None else _from_client_row(row)


def external_refs(session: Session, keys: Collection[str]) -> dict[str, dict[str, str]]:
    """Of these clients, by key: their ids in other systems."""
    row = tables.configuration.ClientRow
    found = select(row.key, row.external_refs).where(col(row.key).in_(keys))
    return {key: dict(refs) for key, refs in session.exec(found)}


def _from_client_row(row: tables.configuration.ClientRow) -> Client:
    return Client(
        key=ClientKey(row.key),
        name=row.name,
        currency=row.currency,
        address=Address(**row.address),
        tax=Tax(
            TaxCategory(row.tax_category),
            row.tax_rate_percent,
            row.vat_id,
            row.tax_note,
            Rounding(row.tax_rounding) if row.tax_rounding else None,
        ),
        price_book=row.price_book,
        payment_terms_days=row.payment_terms_days,
        email=row.email,
        buyer_reference=row.buyer_reference,
        external_refs=tuple(sorted(row.external_refs.items())),
        rounding=Rounding(row.rounding) if row.rounding else None,
        months=MonthPolicies.of(row.zero_months, row.negative_months),
    )


def put_account_name(session: Session, account_id: AccountId, name: str) -> list[Change]:
    row = tables.configuration.AccountRow(account_id=account_id, name=name)
    return put(session, row, f"account {account_id}")


def account_names(session: Session) -> Mapping[AccountId, str]:
    """As configured, else as AWS's list of the organization's accounts last had them."""
    listed = session.exec(select(tables.onboarding.MemberAccountRow))
    configured = session.exec(select(tables.configuration.AccountRow))
    names = {each.account_id: each.name for each in (*listed, *configured)}
    return {AccountId(account_id): names[account_id] for account_id in sorted(names)}


def roster(session: Session, *, account_id: str | None = None) -> Roster:
    """Of one account, or of all."""
    row = tables.configuration.AssignmentRow
    found = select(row)
    if account_id is not None:
        found = found.where(col(row.account_id) == account_id)
    return Roster.of(map(_from_assignment_row, session.exec(found)))


def assignments_on(session: Session, day: date) -> tuple[Assignment, ...]:
    return tuple(a for a in roster(session).assignments if day in a.span)


def put_assignments(session: Session, assignments: Iterable[Assignment]) -> list[Change]:
    """For each account and client named, exactly these spans; other pairs stay as they are.

    So an account changes hands only where the old client's span is given an end. Raises
    OverlappingAssignments before anything is written.
    """
    wanted = set(assignments)
    stored = set(roster(session).assignments)
    named = {(a.account_id, a.client) for a in wanted}
    gone = {a for a in stored - wanted if (a.account_id, a.client) in named}
    Roster.of((stored - gone) | wanted)

    changes = []
    for assignment in sorted(gone, key=_when):
        row = session.get_one(
            tables.configuration.AssignmentRow, (assignment.account_id, assignment.span.start)
        )
        changes += remove(session, row, _subject(assignment))
    for assignment in sorted(wanted - stored, key=_when):
        changes += put(session, _to_assignment_row(assignment), _subject(assignment))
    return changes


def _when(assignment: Assignment) -> tuple[str, date]:
    return assignment.account_id, assignment.span.start


def _subject(assignment: Assignment) -> str:
    end = assignment.span.end
    until = "" if end is None else f" until {end}"
    return (
        f"account {assignment.account_id} at {assignment.client} "
        f"from {assignment.span.start}{until}"
    )


def _from_assignment_row(row: tables.configuration.AssignmentRow) -> Assignment:
    span = DaySpan(row.starts_on, row.ends_on)
    return Assignment(AccountId(row.account_id), ClientKey(row.client_key), span)


def _to_assignment_row(assignment: Assignment) -> tables.configuration.AssignmentRow:
    return tables.configuration.AssignmentRow(
        account_id=assignment.account_id,
        client_key=assignment.client,
        starts_on=assignment.span.start,
        ends_on=assignment.span.end,
    )
