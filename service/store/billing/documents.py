"""Owns issued documents: number, frozen body, files. Nothing here changes or removes one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from invoices.documents import numbering
from invoices.documents.document import content_id, from_document, to_document
from invoices.documents.invoice import DocumentType, Invoice
from invoices.documents.issuing import issue, missing_of_buyer
from invoices.periods import BillingPeriod
from kernel.errors import Refused
from service.store import tables
from service.store.archive import chain
from service.store.billing import carry_forward, corrections, facts, sellers
from service.store.billing.drafts import lock, mark_issued
from service.store.billing.items import prepayments
from service.store.billing.sellers import NOTHING_ISSUED
from service.store.session import Session
from service.store.tables.months import DraftState


@dataclass(frozen=True, slots=True)
class Issued:
    """A document as it was issued."""

    id: int
    draft_id: int
    number: str
    client: str
    payer_account_id: str
    period: BillingPeriod
    invoice: Invoice
    sha256: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class DocumentFile:
    format: str
    content: bytes
    sha256: str


class NumberIsTaken(Refused):
    code = "number_is_taken"

    def __init__(self, number: str) -> None:
        super().__init__(
            f"number {number} is given already, in another series: let `numbering.start` be the "
            "next free one, or change the prefix, and apply"
        )


class IssueDateGoesBack(Refused):
    code = "issue_date_goes_back"

    def __init__(self, issued_on: date, last_issued_on: date | None) -> None:
        super().__init__(
            f"a document was already issued after {issued_on}, on {last_issued_on}: numbers follow "
            f"the dates of issue, so use {last_issued_on} or a later day"
        )


class IssueDayToCome(Refused):
    code = "issue_day_to_come"

    def __init__(self, issued_on: date, newest: date) -> None:
        super().__init__(
            f"{issued_on} is still to come: by the database's clock the newest day is {newest}"
        )


class BuyerIncomplete(Refused):
    code = "buyer_incomplete"

    def __init__(self, client: str, missing: str, issued_on: date) -> None:
        super().__init__(
            f"{client} lacks {missing} as of {issued_on}, which its invoice must show: "
            "add it to the client or its `facts`, and apply"
        )


FIRST_TO_HAVE_A_DAY = timedelta(hours=14)
"""UTC+14 is where a day begins first."""


def database_now(session: Session) -> datetime:
    """The clock that bounds a document's day: one for all machines, and the one that keeps it."""
    now: datetime = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now


def newest_issue_day(now: datetime) -> date:
    """Today is any day that has begun somewhere."""
    return (now.astimezone(UTC) + FIRST_TO_HAVE_A_DAY).date()


def issue_document(
    session: Session, draft_id: int, *, issued_on: date, now: datetime
) -> Issued | None:
    """Give an approved draft the next number of its seller's series, and freeze it.

    None where it is issued already. The series is locked from here until the caller's transaction
    ends, so this comes last in it. Raises NotPossible, IssueDateGoesBack, IssueDayToCome,
    BalanceGone, PrepaidGone, BuyerIncomplete, CorrectionOutdated.
    """
    newest = newest_issue_day(database_now(session))
    if issued_on > newest:
        raise IssueDayToCome(issued_on, newest)
    corrections.lock_month_of(session, draft_id)
    draft = lock(session, draft_id)
    if draft.state == DraftState.ISSUED:
        return None
    mark_issued(session, draft)
    invoice = corrections.as_issued(session, draft, from_document(draft.document))
    if not invoice.is_credit_note:  # It has the parties of what it corrects.
        invoice = facts.as_issued(session, invoice, issued_on=issued_on)
    missing = missing_of_buyer(invoice)
    if missing:
        raise BuyerIncomplete(draft.client_key, missing, issued_on)
    # The printed seller's own, whoever sells the payer's months by now.
    _, numbers = sellers.seller(session, invoice.seller.key)
    prefix, start = numbers.of_type(invoice.document_type)
    family = numbering.family_key(invoice.seller.key, invoice.document_type)
    series_key = numbering.series_key(family, prefix, issued_on)

    # Last, since from here to the caller's commit all issuers of the series wait:
    # `tests/faults/test_concurrent_issuers.py`,
    # `test_64_issuers_of_whom_some_abort_leave_no_gap_and_no_duplicate`.
    if series_key != invoice.seller.key:
        _open_series(session, family, series_key, start)
    ordinal, chain_before = _take_ordinal(session, series_key, issued_on)
    carry_forward.check_still_open(session, draft, invoice)
    prepayments.check_still_left(session, draft, invoice)
    number = numbering.invoice_number(numbering.number_prefix(prefix, issued_on), ordinal)
    _check_is_free(session, number)
    issued = issue(invoice, number=number, issued_on=issued_on)
    body = to_document(issued)
    sha256 = content_id(body)
    # Each document's hash holds all before it, so that one changed behind the database's back
    # breaks the chain:
    # `tests/store/test_frozen.py::test_documents_are_what_their_hashes_and_the_chain_say`.
    bodies = hashlib.sha256(f"{chain_before}{sha256}".encode()).hexdigest()
    document = tables.documents.DocumentRow(
        number=number,
        series=series_key,
        ordinal=ordinal,
        draft_id=draft_id,
        payer_account_id=draft.payer_account_id,
        client_key=draft.client_key,
        period=draft.period,
        body=body,
        sha256=sha256,
        chain_sha256=bodies,
        issued_on=issued_on,
        issued_at=now,
        document_type=invoice.document_type or DocumentType.INVOICE,
    )
    session.add(document)
    series = tables.documents.NumberSeriesRow
    session.execute(
        sa.update(series).where(col(series.key) == series_key).values(last_chain_sha256=bodies)
    )
    session.flush()
    chain.link_document(session, document)
    return _from_row(document)


def last_issued_on(session: Session, payer_account_id: str) -> date | None:
    """The day of the newest document of a payer's seller, in whichever series."""
    payer, series = tables.configuration.PayerAccountRow, tables.documents.NumberSeriesRow
    return session.exec(
        select(func.max(series.last_issued_on))
        .join(payer, col(payer.seller_key) == func.split_part(col(series.key), ":", 1))
        .where(col(payer.account_id) == payer_account_id)
    ).one()


def _open_series(session: Session, family: str, series_key: str, start: int) -> None:
    """A year begins at 1; the first one at the seller's `start`, as any first series does."""
    series = tables.documents.NumberSeriesRow
    earlier = session.exec(
        select(series.key).where(
            col(series.key).startswith(f"{family}:", autoescape=True),
            func.length(series.key) == len(f"{family}:2026"),
        )
    ).first()
    # Who comes second waits here until the first has its number, or has given it back.
    session.execute(
        insert(series)
        .values(
            key=series_key,
            last_ordinal=start - 1 if earlier is None else 0,
            last_chain_sha256=NOTHING_ISSUED,
        )
        .on_conflict_do_nothing()
    )


def _check_is_free(session: Session, number: str) -> None:
    """Of another series: one whose prefix was spelled out where this one has `{year}`."""
    row = tables.documents.DocumentRow
    if session.exec(select(row.id).where(col(row.number) == number)).first() is not None:
        raise NumberIsTaken(number)


def _take_ordinal(session: Session, series_key: str, issued_on: date) -> tuple[int, str]:
    """One row per series is the lock: a rollback gives the ordinal back, so there is no gap."""
    series = tables.documents.NumberSeriesRow
    # A sequence of PostgreSQL is not rolled back with its transaction and would leave gaps
    # (PostgreSQL documentation, "Sequence Manipulation Functions"):
    # `tests/faults/test_concurrent_issuers.py`,
    # `test_a_number_taken_in_a_transaction_of_its_own_would_leave_gaps`.
    taken = session.execute(
        sa.update(series)
        .where(
            col(series.key) == series_key,
            # Numbers follow dates, so the day is compared under the same lock:
            # `tests/jobs/runs/test_issuing.py::test_numbers_follow_the_dates_of_issue`.
            sa.or_(col(series.last_issued_on).is_(None), col(series.last_issued_on) <= issued_on),
        )
        .values(last_ordinal=series.last_ordinal + 1, last_issued_on=issued_on)
        .returning(col(series.last_ordinal), col(series.last_chain_sha256))
    ).one_or_none()
    if taken is None:
        raise IssueDateGoesBack(issued_on, session.get_one(series, series_key).last_issued_on)
    return taken[0], taken[1]


def document_of(session: Session, draft_id: int) -> Issued | None:
    row = tables.documents.DocumentRow
    found = session.exec(select(row).where(col(row.draft_id) == draft_id)).one_or_none()
    return None if found is None else _from_row(found)


def issued_documents(
    session: Session, payer_account_id: str, period: BillingPeriod
) -> tuple[Issued, ...]:
    """Of a payer's month, by number."""
    row = tables.documents.DocumentRow
    found = session.exec(
        select(row)
        .where(col(row.payer_account_id) == payer_account_id, col(row.period) == str(period))
        .order_by(col(row.series), col(row.ordinal))
    )
    return tuple(map(_from_row, found))


def put_files(session: Session, document_id: int, contents: Mapping[str, bytes]) -> None:
    """Keep the renderings; those there already stay as they are."""
    there = formats_of(session, document_id)
    kept = [
        tables.documents.DocumentFileRow(
            document_id=document_id,
            format=extension,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for extension, content in contents.items()
        if extension not in there
    ]
    session.add_all(kept)
    session.flush()
    if kept:
        chain.link_files(session, document_id, kept)


def formats_of(session: Session, document_id: int) -> frozenset[str]:
    row = tables.documents.DocumentFileRow
    return frozenset(session.exec(select(row.format).where(col(row.document_id) == document_id)))


def files_of(session: Session, document_id: int) -> tuple[DocumentFile, ...]:
    row = tables.documents.DocumentFileRow
    rows = session.exec(
        select(row).where(col(row.document_id) == document_id).order_by(col(row.format))
    )
    return tuple(DocumentFile(each.format, each.content, each.sha256) for each in rows)


def document_file(session: Session, document_id: int, extension: str) -> DocumentFile | None:
    row = session.get(tables.documents.DocumentFileRow, (document_id, extension))
    return None if row is None else DocumentFile(row.format, row.content, row.sha256)


def _from_row(row: tables.documents.DocumentRow) -> Issued:
    assert row.id is not None
    return Issued(
        id=row.id,
        draft_id=row.draft_id,
        number=row.number,
        client=row.client_key,
        payer_account_id=row.payer_account_id,
        period=BillingPeriod.parse(row.period),
        invoice=from_document(row.body),
        sha256=row.sha256,
        issued_on=row.issued_on,
    )
